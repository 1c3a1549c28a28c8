{{- /* What follows from the values. A fact that is one is "true", else empty. */ -}}

{{- define "piazza.hasRedis" -}}
{{- $names := splitList "," (include "piazza.extraEnvNames" .) -}}
{{- if or .Values.redis.url .Values.redis.existingSecret .Values.redis.bundled.enabled (has "PIAZZA_REDIS_URL" $names) -}}true{{- end -}}
{{- end -}}

{{- define "piazza.hasPublishKeys" -}}
{{- with .Values.access.publishKeys -}}
{{- if or .values .existingSecret -}}true{{- end -}}
{{- end -}}
{{- end -}}

{{- define "piazza.publishKeysSecret" -}}
{{- default (printf "%s-publish-keys" (include "piazza.fullname" .)) .Values.access.publishKeys.existingSecret -}}
{{- end -}}

{{- define "piazza.publishKeysEntry" -}}
{{- with .Values.access.publishKeys -}}
{{- ternary .key "publish-keys" (not (empty .existingSecret)) -}}
{{- end -}}
{{- end -}}

{{- define "piazza.hasJwtSecret" -}}
{{- with .Values.access.jwt -}}
{{- if or .secret (and .existingSecret .secretKey) -}}true{{- end -}}
{{- end -}}
{{- end -}}

{{- define "piazza.hasJwtPublicKey" -}}
{{- with .Values.access.jwt -}}
{{- if or .publicKey (and .existingSecret .publicKeyKey) -}}true{{- end -}}
{{- end -}}
{{- end -}}

{{- /* There can be more than one pod. */ -}}
{{- define "piazza.isReplicated" -}}
{{- if or .Values.autoscaling.enabled (gt (int .Values.replicaCount) 1) -}}true{{- end -}}
{{- end -}}

{{- /* The scheme of the internal port, as a probe wants it. */ -}}
{{- define "piazza.internalScheme" -}}
{{- if and .Values.tls.enabled .Values.tls.internal -}}HTTPS{{- else -}}HTTP{{- end -}}
{{- end -}}

{{- define "piazza.extraEnvNames" -}}
{{- $names := list -}}
{{- range .Values.extraEnv -}}{{- $names = append $names .name -}}{{- end -}}
{{- join "," $names -}}
{{- end -}}

{{- /* Whole seconds of a duration of the hub, such as 500ms or 1.5m; rounded up. */ -}}
{{- define "piazza.seconds" -}}
{{- $number := regexFind "^[0-9.]+" . | float64 -}}
{{- $unit := regexFind "[a-z]+$" . -}}
{{- $factors := dict "ms" 0.001 "s" 1.0 "m" 60.0 "h" 3600.0 "d" 86400.0 -}}
{{- mulf $number (get $factors $unit) | ceil | int64 -}}
{{- end -}}

{{- define "piazza.drainTime" -}}
{{- default "20s" .Values.config.PIAZZA_DRAIN_TIME -}}
{{- end -}}

{{- define "piazza.graceSeconds" -}}
{{- $preStop := include "piazza.seconds" .Values.termination.preStopDelay | int64 -}}
{{- $drain := include "piazza.seconds" (include "piazza.drainTime" .) | int64 -}}
{{- $slack := include "piazza.seconds" .Values.termination.slack | int64 -}}
{{- add $preStop $drain $slack -}}
{{- end -}}
