{{- define "posthorn.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "posthorn.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "posthorn.name" . -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Labels of an object. Arguments: root, process (optional). */}}
{{- define "posthorn.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: posthorn
{{ include "posthorn.selector" . }}
{{- end -}}

{{- define "posthorn.selector" -}}
app.kubernetes.io/name: {{ include "posthorn.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .process }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{/* Metadata of a namespaced object. Arguments: root, process, name (optional: a suffix), labels and annotations (optional). */}}
{{- define "posthorn.metadata" -}}
name: {{ include "posthorn.fullname" .root }}{{ with .name | default .process }}-{{ . }}{{ end }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "posthorn.labels" . | nindent 2 }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "posthorn.image" -}}
{{- with .Values.image -}}
{{- required "image.repository is required: build the Dockerfile, push the image, and name it here" .repository -}}
{{- if .digest -}}@{{ .digest }}{{- else -}}:{{ default $.Chart.AppVersion .tag }}{{- end -}}
{{- end -}}
{{- end -}}

{{/* A value of a setting as text: empty if it is null. A number never becomes 1e+06. */}}
{{- define "posthorn.text" -}}
{{- if and (kindIs "float64" .) (eq (float64 (int64 .)) .) -}}
{{- int64 . -}}
{{- else if not (kindIs "invalid" .) -}}
{{- toString . -}}
{{- end -}}
{{- end -}}

{{/* The value of a setting in a process, empty if it has its default. Arguments: root, process, name. */}}
{{- define "posthorn.setting" -}}
{{- $own := include "posthorn.text" (get (get .root.Values .process).settings .name) -}}
{{- $common := include "posthorn.text" (get .root.Values.settings .name) -}}
{{- $inside := ternary "0.0.0.0" "" (eq .name "BOARD_HOST") -}}
{{- $own | default $common | default $inside -}}
{{- end -}}

{{/* The port on which a process serves its health and metrics. Arguments: root, process. */}}
{{- define "posthorn.port" -}}
{{- $setting := dict "api" "API_PORT" "worker" "WORKER_HEALTH_PORT" "board" "BOARD_PORT" -}}
{{- $default := dict "api" "3400" "worker" "3403" "board" "3401" -}}
{{- include "posthorn.setting" (merge (dict "name" (get $setting .process)) .) | default (get $default .process) -}}
{{- end -}}

{{/* Seconds that a process may need to end: its own limits, and 15 s to record what is left. Arguments: root, process. */}}
{{- define "posthorn.graceSeconds" -}}
{{- $delay := include "posthorn.setting" (merge (dict "name" "SHUTDOWN_DELAY_MS") .) | default "5000" -}}
{{- $timeout := include "posthorn.setting" (merge (dict "name" "SHUTDOWN_TIMEOUT_MS") .) | default "25000" -}}
{{- $ownMs := add (int64 $timeout) (ternary (int64 $delay) 0 (eq .process "api")) -}}
{{- $needed := add 15 (div (add $ownMs 999) 1000) -}}
{{- $given := (get .root.Values .process).terminationGracePeriodSeconds -}}
{{- if $given -}}
{{- if lt (int64 $given) (int64 $needed) -}}
{{- fail (printf "%s.terminationGracePeriodSeconds is %d, but SHUTDOWN_TIMEOUT_MS and SHUTDOWN_DELAY_MS need at least %d: attempts in flight would be cut off" .process (int64 $given) (int64 $needed)) -}}
{{- end -}}
{{- int64 $given -}}
{{- else -}}
{{- $needed -}}
{{- end -}}
{{- end -}}

{{/* Which process reads which settings. */}}
{{- define "posthorn.catalogue" -}}
{{- .Files.Get "files/settings.json" -}}
{{- end -}}

{{/* The Secret and the key of a secret setting, as a reference. Arguments: root, name, isRequired, secretName. */}}
{{- define "posthorn.secretRef" -}}
{{- $ref := get .root.Values.secretRefs .name -}}
secretKeyRef:
  {{- if $ref }}
  name: {{ $ref.name }}
  key: {{ $ref.key }}
  {{- else }}
  name: {{ .root.Values.existingSecret | default .secretName }}
  key: {{ .name }}
  {{- if not .isRequired }}
  optional: true
  {{- end }}
  {{- end }}
{{- end -}}

{{/* Whether a process needs a secret setting for its start. Arguments: catalogue, process, name. */}}
{{- define "posthorn.isRequired" -}}
{{- if and (ne .process "board") (has .name .catalogue.required) }}true{{ end -}}
{{- end -}}

{{/* The names of the settings that a process gets, as a JSON list. A board whose queue is in Redis needs no database. */}}
{{- define "posthorn.names" -}}
{{- $names := get .catalogue.processes .process -}}
{{- if and (eq .process "board") (eq "redis" (include "posthorn.setting" (dict "root" .root "process" "board" "name" "QUEUE_BACKEND"))) -}}
{{- $names = without $names "DATABASE_URL" "DATABASE_DIRECT_URL" -}}
{{- end -}}
{{- toJson $names -}}
{{- end -}}

{{/* The environment of a process. Arguments: root, process, secretName. */}}
{{- define "posthorn.env" -}}
{{- $catalogue := include "posthorn.catalogue" .root | fromJson -}}
{{- $arguments := merge (dict "catalogue" $catalogue) . -}}
{{- range $name := include "posthorn.names" $arguments | fromJsonArray }}
{{- if has $name $catalogue.secret }}
- name: {{ $name }}
  valueFrom:
    {{- include "posthorn.secretRef" (merge (dict "name" $name "isRequired" (include "posthorn.isRequired" (merge (dict "name" $name) $arguments))) $arguments) | nindent 4 }}
{{- else }}
{{- with include "posthorn.setting" (merge (dict "name" $name) $arguments) }}
- name: {{ $name }}
  value: {{ . | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- with .root.Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The selector of an external metric. Argument: the values of the worker. */}}
{{- define "posthorn.metricSelector" -}}
{{- with .autoscaling.metricLabels -}}
selector:
  matchLabels:
    {{- toYaml . | nindent 4 }}
{{- end -}}
{{- end -}}
