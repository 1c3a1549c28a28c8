{{- /* Combinations that can't work, all at once, each with the reason. What a single value may be is in the schema. */ -}}
{{- define "piazza.refuse" -}}
{{- $problems := concat (include "piazza.accessProblems" . | fromYamlArray) (include "piazza.redisProblems" . | fromYamlArray) (include "piazza.networkProblems" . | fromYamlArray) (include "piazza.environmentProblems" . | fromYamlArray) -}}
{{- if $problems -}}
{{- fail (printf "\n\nThese values can't work:\n- %s\n" (join "\n- " $problems)) -}}
{{- end -}}
{{- end -}}

{{- define "piazza.accessProblems" -}}
{{- $found := list -}}
{{- $names := splitList "," (include "piazza.extraEnvNames" .) -}}
{{- with .Values.access -}}
{{- $kinds := list -}}
{{- if include "piazza.hasJwtSecret" $ -}}{{- $kinds = append $kinds "a secret" -}}{{- end -}}
{{- if include "piazza.hasJwtPublicKey" $ -}}{{- $kinds = append $kinds "a public key" -}}{{- end -}}
{{- if .jwt.jwksUrl -}}{{- $kinds = append $kinds "jwksUrl" -}}{{- end -}}
{{- $isElsewhere := not (empty $.Values.envFrom) -}}
{{- range list "PIAZZA_PUBLISH_KEYS" "PIAZZA_PUBLISH_KEYS_FILE" "PIAZZA_JWT_SECRET" "PIAZZA_JWT_PUBLIC_KEY_FILE" "PIAZZA_JWT_JWKS_URL" "PIAZZA_PUBLIC_CHANNELS" "PIAZZA_ANONYMOUS" -}}
{{- if has . $names -}}{{- $isElsewhere = true -}}{{- end -}}
{{- end -}}
{{- if not (or (include "piazza.hasPublishKeys" $) $kinds .anonymous .publicChannels $isElsewhere) -}}
{{- $found = append $found "access: nothing is configured, and the hub does not start so. Set access.publishKeys (for example --set \"access.publishKeys.values[0]=$(openssl rand -hex 24)\") and who may subscribe: access.anonymous=subscribe, access.publicChannels, or tokens by access.jwt." -}}
{{- end -}}
{{- if and .publishKeys.values .publishKeys.existingSecret -}}
{{- $found = append $found "access.publishKeys: keys come from values or from existingSecret; leave out one." -}}
{{- end -}}
{{- if gt (len $kinds) 1 -}}
{{- $found = append $found (printf "access.jwt: tokens are verified by one kind of key, and here are %s; leave one." (join " and " $kinds)) -}}
{{- end -}}
{{- if and .jwt.existingSecret (not (or .jwt.secretKey .jwt.publicKeyKey)) -}}
{{- $found = append $found "access.jwt.existingSecret: say what is in it by access.jwt.secretKey or access.jwt.publicKeyKey." -}}
{{- end -}}
{{- if and (not $kinds) (not $isElsewhere) (or .jwt.algorithms .jwt.issuer .jwt.audience) -}}
{{- $found = append $found "access.jwt: algorithms, issuer and audience say nothing without a key." -}}
{{- end -}}
{{- end -}}
{{- $found | toYaml -}}
{{- end -}}

{{- define "piazza.redisProblems" -}}
{{- $found := list -}}
{{- $hasRedis := include "piazza.hasRedis" . -}}
{{- $why := "each pod would have a log of its own, and clients would miss what was published to another. Set redis.url, redis.existingSecret or redis.bundled.enabled" -}}
{{- if and (not $hasRedis) .Values.autoscaling.enabled -}}
{{- $found = append $found (printf "autoscaling.enabled: several pods without Redis don't work: %s." $why) -}}
{{- else if and (not $hasRedis) (gt (int .Values.replicaCount) 1) -}}
{{- $found = append $found (printf "replicaCount: %d pods without Redis don't work: %s, or leave it at 1." (int .Values.replicaCount) $why) -}}
{{- end -}}
{{- with .Values.autoscaling -}}
{{- if and .enabled (gt (int .minReplicas) (int .maxReplicas)) -}}
{{- $found = append $found "autoscaling.minReplicas: it is above maxReplicas." -}}
{{- end -}}
{{- if and .enabled (eq .metric "cpu") (not (dig "requests" "cpu" "" $.Values.resources)) -}}
{{- $found = append $found "autoscaling.metric: cpu is a share of resources.requests.cpu; set it." -}}
{{- end -}}
{{- end -}}
{{- with .Values.redis -}}
{{- $ways := list -}}
{{- if .url -}}{{- $ways = append $ways "redis.url" -}}{{- end -}}
{{- if .existingSecret -}}{{- $ways = append $ways "redis.existingSecret" -}}{{- end -}}
{{- if .bundled.enabled -}}{{- $ways = append $ways "redis.bundled" -}}{{- end -}}
{{- if gt (len $ways) 1 -}}
{{- $found = append $found (printf "redis: %s say where Redis is; leave one." (join " and " $ways)) -}}
{{- end -}}
{{- if and .bundled.enabled (not .bundled.password) -}}
{{- $found = append $found "redis.bundled.password: set one, for example --set redis.bundled.password=$(openssl rand -hex 24): whoever can write to Redis can forge messages." -}}
{{- end -}}
{{- if and .sentinel.addresses (or .bundled.enabled (not $hasRedis)) -}}
{{- $found = append $found "redis.sentinel.addresses: user, password and database come from redis.url or redis.existingSecret; set it too, for example to redis://:password@redis/0." -}}
{{- end -}}
{{- if and .sentinel.passwordKey (not .existingSecret) -}}
{{- $found = append $found "redis.sentinel.passwordKey: it is an entry of redis.existingSecret; set that too, or redis.sentinel.password." -}}
{{- end -}}
{{- if and .tls.existingSecret (or .bundled.enabled (and .url (not (hasPrefix "rediss://" .url)))) -}}
{{- $found = append $found "redis.tls: it is for TLS; begin the address with rediss://, or leave it out." -}}
{{- end -}}
{{- if ne (empty .tls.certKey) (empty .tls.keyKey) -}}
{{- $found = append $found "redis.tls: a client certificate is certKey and keyKey." -}}
{{- end -}}
{{- if and (not .tls.existingSecret) (or .tls.caKey .tls.certKey) -}}
{{- $found = append $found "redis.tls.existingSecret: name the Secret that caKey, certKey and keyKey are entries of." -}}
{{- end -}}
{{- end -}}
{{- $found | toYaml -}}
{{- end -}}

{{- define "piazza.networkProblems" -}}
{{- $found := list -}}
{{- with .Values -}}
{{- if and .tls.enabled (not .tls.existingSecret) -}}
{{- $found = append $found "tls.existingSecret: name a Secret of type kubernetes.io/tls." -}}
{{- end -}}
{{- if and .ingress.enabled (not .ingress.hosts) -}}
{{- $found = append $found "ingress.hosts: name at least one host." -}}
{{- end -}}
{{- if and .gateway.enabled (not .gateway.parentRefs) -}}
{{- $found = append $found "gateway.parentRefs: name the Gateway." -}}
{{- end -}}
{{- if and .metrics.serviceMonitor.enabled .networkPolicy.enabled (not .networkPolicy.metricsFrom) -}}
{{- $found = append $found "networkPolicy.metricsFrom: say where Prometheus is, or the policy keeps it out; for example [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]." -}}
{{- end -}}
{{- end -}}
{{- $found | toYaml -}}
{{- end -}}

{{- define "piazza.environmentProblems" -}}
{{- $found := list -}}
{{- $own := list -}}
{{- range include "piazza.environment" . | fromYamlArray -}}{{- $own = append $own .name -}}{{- end -}}
{{- /* What the pod and the Services are made from. */ -}}
{{- $elsewhere := dict "PIAZZA_DRAIN_TIME" "config.PIAZZA_DRAIN_TIME: the time that a pod has to stop" "PIAZZA_TLS_CERT_FILE" "tls: what probes and Services speak" "PIAZZA_TLS_KEY_FILE" "tls: what probes and Services speak" "PIAZZA_INTERNAL_TLS" "tls.internal: what probes and Services speak" -}}
{{- range .Values.extraEnv -}}
{{- if has .name $own -}}
{{- $found = append $found (printf "extraEnv: the chart sets %s itself, from other values; leave it out." .name) -}}
{{- else if hasKey $elsewhere .name -}}
{{- $found = append $found (printf "extraEnv: set %s in %s follows from it." .name (get $elsewhere .name)) -}}
{{- end -}}
{{- end -}}
{{- $found | toYaml -}}
{{- end -}}
