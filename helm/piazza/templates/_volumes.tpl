{{- /* Read-only files of the hub: by name of the volume its Secret and, where entries are picked, which is which file. */ -}}
{{- define "piazza.files" -}}
{{- $settings := printf "%s-settings" (include "piazza.fullname" .) -}}
{{- if include "piazza.hasPublishKeys" . }}
publish-keys: { secretName: {{ include "piazza.publishKeysSecret" . | quote }}, items: [{ key: {{ include "piazza.publishKeysEntry" . | quote }}, path: keys }] }
{{- end }}
{{- if include "piazza.hasJwtPublicKey" . }}
{{- with .Values.access.jwt }}
{{- $isOwn := not (empty .publicKey) }}
jwt: { secretName: {{ ternary $settings .existingSecret $isOwn | quote }}, items: [{ key: {{ ternary "jwt-public-key" .publicKeyKey $isOwn | quote }}, path: public-key.pem }] }
{{- end }}
{{- end }}
{{- if .Values.tls.enabled }}
tls: { secretName: {{ .Values.tls.existingSecret | quote }} }
{{- end }}
{{- with .Values.redis.tls.existingSecret }}
redis-tls: { secretName: {{ . | quote }} }
{{- end }}
{{- end -}}

{{- define "piazza.volumes" -}}
{{- range $name, $secret := include "piazza.files" . | fromYaml }}
- name: {{ $name }}
  secret: {{- merge $secret (dict "defaultMode" 288) | toYaml | nindent 4 }}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "piazza.volumeMounts" -}}
{{- range $name, $_ := include "piazza.files" . | fromYaml }}
- { name: {{ $name }}, mountPath: /etc/piazza/{{ $name }}, readOnly: true }
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}
