// Scanners that are configured, and need no network. What asks an online database (npm audit, osv-scanner) is in audits.ts.
import type { Finder } from '../finder.ts';

export const scanners: Finder = {
  name: 'scanners',
  files: ['.gitleaks.toml'],
  find: (files) =>
    files.has('.gitleaks.toml')
      ? {
          security: [
            { command: ['gitleaks', 'dir', '--redact', '--report-format', 'json', '--report-path', '-', '.'] },
          ],
        }
      : null,
};
