# RabbitMQ's own word that its AMQP listener is up, over the management API, with nothing but bash: rabbitmq-diagnostics would
# start an Erlang machine for every check.
exec 3<>/dev/tcp/127.0.0.1/15672 || exit 1
credentials=$(printf '%s' "$RABBITMQ_DEFAULT_USER:$RABBITMQ_DEFAULT_PASS" | base64 -w 0)
printf 'GET /api/health/checks/port-listener/5672 HTTP/1.0\r\nHost: localhost\r\nAuthorization: Basic %s\r\n\r\n' "$credentials" >&3
read -r _ status _ <&3
echo "$status"
# 401: the data was made with another password. It is `prepare` that tells people so; then whether somebody listens has to do.
[ "$status" = 200 ] || { [ "$status" = 401 ] && exec 3<>/dev/tcp/127.0.0.1/5672; }
