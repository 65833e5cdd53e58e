# The agent's image: docs/kubernetes.md says how to build it, and which of this was tried.
# A digest belongs to the build: --build-arg IMAGE=python:3.11-slim-bookworm@sha256:...
ARG IMAGE=python:3.11-slim-bookworm

FROM ${IMAGE} AS build
# `otel` alone for an image without language models, 300 MB smaller.
ARG EXTRAS=llm,otel
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY locks locks
COPY agents agents
COPY sinks sinks
COPY tables tables
COPY ticketing ticketing
COPY charts/ticketing-agent/files charts/ticketing-agent/files
# Every file that is installed has its hash in a lock, those of the tools too; the package itself is
# built without a download, and without its dependencies, which stand.
RUN python -m venv /opt/tools \
  && /opt/tools/bin/pip install --no-cache-dir --disable-pip-version-check \
    --require-hashes --requirement locks/tools.lock \
  && /opt/tools/bin/python -m hatchling build --target wheel --directory /tmp/dist \
  && python -m venv /opt/ticketing \
  && /opt/ticketing/bin/pip install --no-cache-dir --disable-pip-version-check \
    --require-hashes --requirement "locks/image$(case "${EXTRAS}" in *llm*) echo -full ;; esac).lock" \
  && /opt/ticketing/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-index \
    /tmp/dist/*.whl \
  && /opt/ticketing/bin/pip check --disable-pip-version-check \
  && /opt/tools/bin/cyclonedx-py environment --output-reproducible \
    --output-file /opt/ticketing/sbom.cdx.json /opt/ticketing/bin/python \
  && /opt/ticketing/bin/pip uninstall --yes --quiet --disable-pip-version-check setuptools pip

FROM ${IMAGE}
# No name is needed, but a numeric user lets Kubernetes see that it is not root.
RUN groupadd --gid 10001 ticketing \
  && useradd --uid 10001 --gid ticketing --no-create-home --home-dir /tmp ticketing \
  && install --directory --owner ticketing --group ticketing /var/lib/ticketing
COPY --from=build /opt/ticketing /opt/ticketing
ENV PATH=/opt/ticketing/bin:$PATH \
  PYTHONDONTWRITEBYTECODE=1 \
  TICKETING_DATA_DIR=/var/lib/ticketing
USER 10001:10001
WORKDIR /var/lib/ticketing
VOLUME /var/lib/ticketing
EXPOSE 8080 9464
ENTRYPOINT ["ticketing"]
CMD ["worker"]
