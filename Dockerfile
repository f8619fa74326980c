# syntax=docker/dockerfile:1

FROM python:3.11-slim-bookworm AS build
WORKDIR /build
COPY scripts/locks/build.txt scripts/locks/run.txt ./
RUN python -m venv /opt/collector \
 && /opt/collector/bin/pip install --no-cache-dir --require-hashes --requirement run.txt \
 && pip install --no-cache-dir --require-hashes --requirement build.txt
COPY pyproject.toml README.md CHANGELOG.md ./
COPY collector ./collector
COPY service_specs ./service_specs
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir dist . \
 && /opt/collector/bin/pip install --no-cache-dir --no-deps dist/*.whl

# The image has no shell script, no package cache and no root: `docker run --read-only -v snapshots:/snapshots … --to /snapshots/today`.
FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin collector \
 && install -d -o collector -g collector -m 0700 /snapshots
COPY --from=build /opt/collector /opt/collector
ENV PATH=/opt/collector/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /snapshots
VOLUME /snapshots
ENTRYPOINT ["collector"]
CMD ["run"]
