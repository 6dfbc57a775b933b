// What is run in the sandbox for a snapshot. Each script works with a repository of its own, made anew, so nothing that ran in between can
// hide a file by what it did to a `.git`, a `.gitignore` or its home folder. Which files count is said by the ignore rules of the base alone.
import { disarmed } from '../git/outside.ts';

/** $1 is the workspace, and $2 the bundle of the base where there is one. 3 is how it ends where there is a repository inside. */
const script = (work: string): string => `
set -eu
root=$(cd "$1" && pwd -P); work=$(pwd -P)
case "$work/" in "$root/"*) ;; *) root=$work ;; esac
aside=$(mktemp -d "$HOME/.capstan-XXXXXX")
trap 'rm -rf "$aside"' EXIT
# A name that nobody could have known.
rules=".\${aside##*/.}"
export GIT_DIR="$aside/git" GIT_WORK_TREE="$work" GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_NO_REPLACE_OBJECTS=1
export GIT_AUTHOR_NAME=c GIT_AUTHOR_EMAIL=c GIT_COMMITTER_NAME=c GIT_COMMITTER_EMAIL=c
git() { command git ${disarmed.join(' ')} -c core.excludesFile=/dev/null -c core.attributesFile=/dev/null "$@"; }
git init -q --template=
# Files are taken and put back byte for byte, and what is text is seen by what is in it.
mkdir "$GIT_DIR/info"
echo '* -text -filter -ident -working-tree-encoding !eol !diff' >"$GIT_DIR/info/attributes"

keep() { git update-ref "refs/heads/$1" "$(git commit-tree "$(git write-tree)" -m "$2" </dev/null)"; }

# Repositories inside, where the base does not ignore them: git would not look into them.
nested() {
  rm -rf "$aside/rules"; mkdir "$aside/rules"
  ( GIT_INDEX_FILE="$aside/rules.index"; export GIT_INDEX_FILE
    git read-tree refs/heads/rules; git checkout-index -q -a --prefix="$aside/rules/" )
  find . -mindepth 2 -name .git -prune -print | while IFS= read -r at; do
    ( cd "$aside/rules" && GIT_WORK_TREE="$aside/rules" git check-ignore -q --no-index -- "\${at%.git}$rules" ) || printf '%s\\n' "$at"
  done
}
refuse_nested() { found=$(nested | head -n 1); if [ -n "$found" ]; then echo "$found" >&2; exit 3; fi; }

${work}
`;

/** What git itself goes by, of the repository that this is in: all but the contents, which are named by what they are. */
const keepOwn = `
own=$work
until [ -e "$own/.git" ] || [ -L "$own/.git" ] || [ "$own" = "$root" ]; do own=\${own%/*}; done
kind=none
( GIT_INDEX_FILE="$aside/own.index"; export GIT_INDEX_FILE
  if [ -d "$own/.git" ] && [ ! -L "$own/.git" ]; then
    kind=folder; cd "$own/.git"; export GIT_WORK_TREE="$PWD"
    git add -A -f -- . ':(exclude)objects' ':(exclude)lfs/objects' ':(exclude,glob)modules/**/objects/**'
    if [ -d objects/info ]; then git add -A -f -- objects/info; fi
  elif [ -e "$own/.git" ] || [ -L "$own/.git" ]; then
    kind=file; mkdir "$aside/file"; cp -P "$own/.git" "$aside/file/link"; cd "$aside/file"; export GIT_WORK_TREE="$PWD"
    git add -f -- link
  fi
  keep own "$kind $own" )`;

const ownBack = `
git fetch -q "$2" '+refs/heads/*:refs/heads/*'
own=$(git log -1 --format=%B refs/heads/own); kind=\${own%% *}; own=\${own#* }
at=$work
[ "$work" = "$(git log -1 --format=%B refs/heads/base)" ] || { echo "$work is not where it was" >&2; exit 1; }
while [ "$at" != "$own" ]; do rm -rf "$at/.git"; at=\${at%/*}; done
( GIT_INDEX_FILE="$aside/own.index"; export GIT_INDEX_FILE
  git read-tree refs/heads/own
  if [ "$kind" = folder ]; then
    if [ -L "$own/.git" ] || [ ! -d "$own/.git" ]; then rm -rf "$own/.git"; mkdir "$own/.git"; fi
    cd "$own/.git"; export GIT_WORK_TREE="$PWD"
    find . -type d ! -perm -700 -exec chmod u+rwx {} ';'
    find . -mindepth 2 -name .git -prune -exec rm -rf {} +
    { git ls-files -z -o -- . ':(exclude)objects' ':(exclude)lfs/objects' ':(exclude,glob)modules/**/objects/**'
      git ls-files -z -o -- objects/info; } | xargs -0 rm -rf --
    git checkout-index -q -f -a
    mkdir -p refs/heads refs/tags objects/info objects/pack
  else
    rm -rf "$own/.git"
    if [ "$kind" = file ]; then
      git checkout-index -q -a --prefix="$aside/file/"; cp -P "$aside/file/link" "$own/.git"
    fi
  fi )
# What nobody may look into would not be seen.
find . -name .git -prune -o '(' -type d ! -perm -700 -o -type f ! -perm -400 ')' -exec chmod u+rwX {} ';'`;

/** Lists what the base does not have and does not ignore: its rules stand in the index, under a name that no folder has a file of. */
const listNew = `
( GIT_INDEX_FILE="$aside/new.index"; export GIT_INDEX_FILE
  git read-tree refs/heads/base
  git ls-tree -r refs/heads/rules | sed 's/\\.gitignore\\("\\{0,1\\}\\)$/'"$rules"'\\1/' | git update-index --index-info
  git ls-files -z -- ":(glob)**/$rules" | git update-index -z --skip-worktree --stdin
  git ls-files -z -o --exclude-per-directory="$rules" >"$aside/new" )`;

export const take = script(`
( GIT_INDEX_FILE="$aside/rules.index"; export GIT_INDEX_FILE
  find . -name .git -prune -o -name .gitignore -type f -print0 | git update-index -z --add --stdin
  keep rules rules )
refuse_nested
git add -A
${keepOwn}
# What the repository has although it ignores it.
( unset GIT_DIR GIT_WORK_TREE; export GIT_CEILING_DIRECTORIES="\${root%/*}"
  git ls-files -z -c -i --exclude-standard 2>/dev/null || true ) | git update-index -z --add --remove --stdin
keep base "$work"
git bundle create -q - refs/heads/base refs/heads/rules refs/heads/own`);

export const compare = script(`
${ownBack}
refuse_nested
${listNew}
git read-tree refs/heads/base
git add -u
git update-index -z --add --replace --stdin <"$aside/new"
git diff --cached --no-ext-diff --no-textconv --no-renames --numstat -z refs/heads/base
printf '\\0'
git diff --cached --no-ext-diff --no-textconv --no-renames --no-color --binary refs/heads/base`);

export const undo = script(`
${ownBack}
nested | while IFS= read -r at; do rm -rf "$at"; done
${listNew}
xargs -0 rm -rf -- <"$aside/new"
( GIT_INDEX_FILE="$aside/rules.index"; export GIT_INDEX_FILE; git read-tree refs/heads/rules; git checkout-index -q -f -a )
git read-tree refs/heads/base
git checkout-index -q -f -a
git clean -q -f -f -d`);
