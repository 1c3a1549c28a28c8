{{- /* All at the internal port: it has readiness, and it answers until the end of a drain. */ -}}
{{- define "piazza.probes" -}}
{{- $scheme := include "piazza.internalScheme" . -}}
{{- with .Values.probes -}}
startupProbe:
  httpGet: { path: /livez, port: internal, scheme: {{ $scheme }} }
  periodSeconds: 1
  failureThreshold: {{ .startupSeconds }}
readinessProbe:
  httpGet: { path: /readyz, port: internal, scheme: {{ $scheme }} }
  periodSeconds: {{ .readinessPeriodSeconds }}
  timeoutSeconds: 3
  failureThreshold: 2
livenessProbe:
  httpGet: { path: /livez, port: internal, scheme: {{ $scheme }} }
  periodSeconds: {{ .livenessPeriodSeconds }}
  timeoutSeconds: 5
  failureThreshold: {{ .livenessFailures }}
{{- end -}}
{{- end -}}

{{- /* By itself the sidecar ends 5 s after SIGTERM, and the streams that the hub is still draining with it. */ -}}
{{- define "piazza.istioProxy" -}}
holdApplicationUntilProxyStarts: true
terminationDrainDuration: {{ include "piazza.graceSeconds" . }}s
proxyMetadata:
  EXIT_ON_ZERO_ACTIVE_CONNECTIONS: "true"
{{- end -}}
