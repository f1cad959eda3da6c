# syntax=docker/dockerfile:1
# One static binary on an empty image, as nobody in particular. Data and the secret file lie on a volume:
#
#   docker build --tag keydesk .
#   docker run --read-only --cap-drop ALL --security-opt no-new-privileges --volume keydesk:/data \
#     --publish 127.0.0.1:8080:8080 --env KEYDESK_PUBLIC_URL=https://keys.example.com keydesk
FROM rust:1.90-alpine AS build
# C for SQLite and aws-lc; musl is what makes the binary static.
RUN apk add --no-cache build-base cmake perl linux-headers
WORKDIR /keydesk
COPY . .
RUN cargo build --release --locked --bin keydesk \
  && install -d -m 700 -o 65532 -g 65532 /out/data /out/tmp \
  && install -m 755 target/release/keydesk /out/keydesk

FROM scratch
COPY --from=build /out/keydesk /keydesk
COPY --from=build --chown=65532:65532 /out/data /data
# Those who speak TLS to mail servers and issuers bring their own roots; whoever reads the system's finds them here.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
USER 65532:65532
ENV KEYDESK_DATA_DIR=/data KEYDESK_LISTEN=0.0.0.0:8080 KEYDESK_LOG_FORMAT=json
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
# There is no shell and no curl in here, so the binary asks itself.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["/keydesk", "healthcheck"]
ENTRYPOINT ["/keydesk"]
