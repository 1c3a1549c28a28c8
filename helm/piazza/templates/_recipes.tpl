{{- /* What streams need of each controller, as annotations. docs/operations.md says why, and what annotations can't do. */ -}}
{{- define "piazza.ingressRecipe" -}}
{{- $isTls := .Values.tls.enabled -}}
{{- if eq .Values.ingress.recipe "nginx" -}}
nginx.ingress.kubernetes.io/proxy-buffering: "off"
nginx.ingress.kubernetes.io/proxy-http-version: "1.1"
nginx.ingress.kubernetes.io/proxy-read-timeout: "3600"
nginx.ingress.kubernetes.io/proxy-send-timeout: "3600"
nginx.ingress.kubernetes.io/backend-protocol: {{ ternary "HTTPS" "HTTP" $isTls }}
{{- else if eq .Values.ingress.recipe "alb" -}}
alb.ingress.kubernetes.io/target-type: ip
alb.ingress.kubernetes.io/load-balancer-attributes: idle_timeout.timeout_seconds=120
alb.ingress.kubernetes.io/target-group-attributes: deregistration_delay.timeout_seconds={{ include "piazza.graceSeconds" . }}
alb.ingress.kubernetes.io/backend-protocol: {{ ternary "HTTPS" "HTTP" $isTls }}
alb.ingress.kubernetes.io/healthcheck-path: /livez
alb.ingress.kubernetes.io/healthcheck-interval-seconds: "10"
alb.ingress.kubernetes.io/success-codes: "200"
{{- end -}}
{{- end -}}

{{- define "piazza.serviceRecipe" -}}
{{- $isTls := .Values.tls.enabled -}}
{{- if and .Values.ingress.enabled (eq .Values.ingress.recipe "gce") -}}
cloud.google.com/neg: '{"ingress": true}'
cloud.google.com/backend-config: {{ printf `{"default": "%s"}` (include "piazza.fullname" .) | quote }}
cloud.google.com/app-protocols: {{ printf `{"public": "%s"}` (ternary "HTTPS" "HTTP" $isTls) | quote }}
{{- else if and .Values.ingress.enabled (eq .Values.ingress.recipe "traefik") $isTls -}}
traefik.ingress.kubernetes.io/service.serversscheme: https
{{- end -}}
{{- end -}}
