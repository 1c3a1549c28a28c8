{{- /* A value of `config` as the hub reads it: YAML makes booleans of on and off, and floats of numbers. */ -}}
{{- define "piazza.settingText" -}}
{{- if kindIs "bool" . -}}{{- ternary "on" "off" . -}}
{{- else if kindIs "float64" . -}}{{- int64 . -}}
{{- else -}}{{- . -}}
{{- end -}}
{{- end -}}

{{- define "piazza.fromSecret" -}}
- name: {{ .name }}
  valueFrom:
    secretKeyRef: { name: {{ .secret | quote }}, key: {{ .key | quote }} }
{{- end -}}

{{- define "piazza.plain" -}}
- name: {{ .name }}
  value: {{ .value | quote }}
{{- end -}}

{{- /* The environment that the chart gives the hub, without extraEnv. */ -}}
{{- define "piazza.environment" -}}
{{- $settings := printf "%s-settings" (include "piazza.fullname" .) -}}
{{- range $name, $value := .Values.config }}
{{- if not (kindIs "invalid" $value) }}
{{ include "piazza.plain" (dict "name" $name "value" (include "piazza.settingText" $value)) }}
{{- end }}
{{- end }}
{{ include "piazza.plain" (dict "name" "PIAZZA_PORT" "value" "8080") }}
{{ include "piazza.plain" (dict "name" "PIAZZA_INTERNAL_PORT" "value" "9090") }}
{{- if .Values.tls.enabled }}
{{ include "piazza.plain" (dict "name" "PIAZZA_TLS_CERT_FILE" "value" "/etc/piazza/tls/tls.crt") }}
{{ include "piazza.plain" (dict "name" "PIAZZA_TLS_KEY_FILE" "value" "/etc/piazza/tls/tls.key") }}
{{- if not .Values.tls.internal }}
{{ include "piazza.plain" (dict "name" "PIAZZA_INTERNAL_TLS" "value" "off") }}
{{- end }}
{{- end }}
{{- include "piazza.accessEnvironment" (dict "context" . "settings" $settings) }}
{{- include "piazza.redisEnvironment" (dict "context" . "settings" $settings) }}
{{- end -}}

{{- define "piazza.accessEnvironment" -}}
{{- $settings := .settings -}}
{{- with .context.Values.access }}
{{- if include "piazza.hasPublishKeys" $.context }}
{{ include "piazza.plain" (dict "name" "PIAZZA_PUBLISH_KEYS_FILE" "value" "/etc/piazza/publish-keys/keys") }}
{{- end }}
{{- if include "piazza.hasJwtSecret" $.context }}
{{ include "piazza.fromSecret" (dict "name" "PIAZZA_JWT_SECRET" "secret" (ternary $settings .jwt.existingSecret (not (empty .jwt.secret))) "key" (ternary "jwt-secret" .jwt.secretKey (not (empty .jwt.secret)))) }}
{{- end }}
{{- if include "piazza.hasJwtPublicKey" $.context }}
{{ include "piazza.plain" (dict "name" "PIAZZA_JWT_PUBLIC_KEY_FILE" "value" "/etc/piazza/jwt/public-key.pem") }}
{{- end }}
{{- range $name, $value := dict "PIAZZA_JWT_JWKS_URL" .jwt.jwksUrl "PIAZZA_JWT_ALGORITHMS" (join "," .jwt.algorithms) "PIAZZA_JWT_ISSUER" .jwt.issuer "PIAZZA_JWT_AUDIENCE" .jwt.audience "PIAZZA_ANONYMOUS" .anonymous "PIAZZA_PUBLIC_CHANNELS" (join "," .publicChannels) }}
{{- if $value }}
{{ include "piazza.plain" (dict "name" $name "value" $value) }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "piazza.redisEnvironment" -}}
{{- $settings := .settings -}}
{{- with .context.Values.redis }}
{{- if or .url .bundled.enabled }}
{{ include "piazza.fromSecret" (dict "name" "PIAZZA_REDIS_URL" "secret" $settings "key" "redis-url") }}
{{- else if .existingSecret }}
{{ include "piazza.fromSecret" (dict "name" "PIAZZA_REDIS_URL" "secret" .existingSecret "key" .existingSecretKey) }}
{{- end }}
{{- if .sentinel.addresses }}
{{ include "piazza.plain" (dict "name" "PIAZZA_REDIS_SENTINELS" "value" (join "," .sentinel.addresses)) }}
{{ include "piazza.plain" (dict "name" "PIAZZA_REDIS_SENTINEL_MASTER" "value" .sentinel.master) }}
{{- if .sentinel.password }}
{{ include "piazza.fromSecret" (dict "name" "PIAZZA_REDIS_SENTINEL_PASSWORD" "secret" $settings "key" "redis-sentinel-password") }}
{{- else if .sentinel.passwordKey }}
{{ include "piazza.fromSecret" (dict "name" "PIAZZA_REDIS_SENTINEL_PASSWORD" "secret" .existingSecret "key" .sentinel.passwordKey) }}
{{- end }}
{{- end }}
{{- if .tls.existingSecret }}
{{- range $name, $key := dict "PIAZZA_REDIS_CA_FILE" .tls.caKey "PIAZZA_REDIS_CERT_FILE" .tls.certKey "PIAZZA_REDIS_KEY_FILE" .tls.keyKey }}
{{- if $key }}
{{ include "piazza.plain" (dict "name" $name "value" (printf "/etc/piazza/redis-tls/%s" $key)) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}
