#!/bin/sh
# observe.sh [RUN_DIRECTORY]: Prometheus and Alertmanager of Debian's packages for a shop that runs without Docker, with
# the rules and settings of the containers and other addresses. In the foreground, until Ctrl-C or until one of them ends.
set -eu

run=$(realpath "${1:-.run}")
settings=$(realpath "$(dirname "$0")/../prometheus")
own=$run/monitoring
prometheus=127.0.0.1:${PROMETHEUS_PORT:-9090}
alertmanager=127.0.0.1:${ALERTMANAGER_PORT:-9093}

fail() { echo "$1"; exit 1; }

[ -e "$run/stack.env" ] || fail "There is no shop: make up"
for program in prometheus prometheus-alertmanager; do
    command -v "$program" >/dev/null || fail "$program is missing: apt install prometheus prometheus-alertmanager"
done
mkdir -p "$own"
cp "$settings/polder.yml" "$own"

. "$run/stack.env"
sed -e "s|alertmanager:9093|$alertmanager|" -e "s|rabbitmq:15692|${RABBITMQ_METRICS_URL#http://}|" \
    "$settings/prometheus.yml" >"$own/prometheus.yml"
for service in $(sed -n 's/.* \(.*\)-web:8000$/\1/p' "$settings/prometheus.yml"); do
    eval "url=\$$(echo "$service" | tr a-z A-Z)_URL"
    sed -i "s| $service-web:8000| ${url#http://}|" "$own/prometheus.yml"
done

prometheus --config.file="$own/prometheus.yml" --storage.tsdb.path="$own/prometheus" \
    --web.listen-address="$prometheus" >"$own/prometheus.log" 2>&1 &
first=$!
prometheus-alertmanager --config.file="${ALERTMANAGER_CONFIG:-$settings/alertmanager.yml}" \
    --storage.path="$own/alertmanager" --web.listen-address="$alertmanager" --cluster.listen-address= \
    >"$own/prometheus-alertmanager.log" 2>&1 &
second=$!
trap 'kill $first $second 2>/dev/null; wait' EXIT
trap 'exit 0' INT TERM
printf 'Prometheus: http://%s\nAlarms: http://%s\n' "$prometheus" "$alertmanager"
while kill -0 $first && kill -0 $second; do sleep 1; done 2>/dev/null
fail "One of them has ended; see $own/*.log"
