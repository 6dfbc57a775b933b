# The image in which commands of tasks run, from a registry; sandbox-image.sh makes the same of this machine where none is in reach.
#   docker build -t capstan/sandbox -f deploy/sandbox.Dockerfile deploy
ARG BASE_IMAGE=node:24-bookworm-slim
FROM ${BASE_IMAGE}
USER 0
RUN apt-get update && apt-get install -y --no-install-recommends bzip2 ca-certificates curl diffutils file findutils gawk git gzip \
      hostname jq less make openssh-client patch procps python3 tar unzip util-linux xz-utils && rm -rf /var/lib/apt/lists/* \
 # Nobody becomes anybody else in here.
 && find / -xdev -type f -perm /6000 -exec chmod a-s {} + \
 && groupadd -g 10001 sandbox && useradd -u 10001 -g 10001 -d /sandbox/home -s /bin/bash sandbox \
 # The folder of the workspace is root's, so that no command can take it away; what is in it belongs to whom commands run as.
 && mkdir -p /sandbox/workspace /sandbox/home && chown 10001:10001 /sandbox/workspace /sandbox/home
USER 10001:10001
WORKDIR /sandbox/workspace
CMD ["/bin/sh"]
