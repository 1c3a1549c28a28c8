{{- define "piazza.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- /* 40 characters leave room for what is added to it. */ -}}
{{- define "piazza.fullname" -}}
{{- $name := include "piazza.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "piazza.selector" -}}
app.kubernetes.io/name: {{ include "piazza.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- /* Those of the hub's pods, and of nothing else in the release. */ -}}
{{- define "piazza.hubSelector" -}}
{{ include "piazza.selector" . }}
app.kubernetes.io/component: hub
{{- end -}}

{{- define "piazza.redisSelector" -}}
{{ include "piazza.selector" . }}
app.kubernetes.io/component: redis
{{- end -}}

{{- define "piazza.labels" -}}
{{ include "piazza.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "piazza.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "piazza.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "piazza.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{- printf "%s@%s" .repository .digest -}}
{{- else -}}
{{- printf "%s:%s" .repository (default $.Chart.AppVersion .tag) -}}
{{- end -}}
{{- end -}}
{{- end -}}
