{{/*
The pod of a process, as the template of a Deployment or a Job. Arguments: root, process, secretName.
The API and the board listen; the worker serves health and metrics. The job `migrate` has no port and no probe.
*/}}
{{- define "posthorn.pod" -}}
{{- $root := .root -}}
{{- $values := get $root.Values .process -}}
{{- $commands := dict "api" "apps/api/dist/server.js" "worker" "apps/worker/dist/main.js" "board" "apps/board/dist/main.js" "migrate" "apps/cli/dist/main.js" -}}
{{- $isJob := eq .process "migrate" -}}
metadata:
  labels:
    {{- include "posthorn.labels" . | nindent 4 }}
    {{- with $values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- $annotations := deepCopy $values.podAnnotations }}
  {{- if and (not $isJob) (not $root.Values.existingSecret) }}{{- /* Pods restart when the Secret of the chart changes. */}}
  {{- $_ := set $annotations "checksum/secrets" (toJson $root.Values.secrets | sha256sum) }}
  {{- end }}
  {{- with $annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ $root.Values.serviceAccountName }}
  automountServiceAccountToken: false
  enableServiceLinks: false # their variables, such as POSTHORN_API_PORT, look like settings
  {{- with $root.Values.image.pullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $root.Values.podSecurityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- if $isJob }}
  restartPolicy: Never
  {{- else }}
  terminationGracePeriodSeconds: {{ include "posthorn.graceSeconds" . }}
  {{- end }}
  {{- with $values.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- range . }}
    - {{- toYaml . | nindent 6 }}
      {{- if not .labelSelector }}
      labelSelector:
        matchLabels:
          {{- include "posthorn.selector" $ | nindent 10 }}
      matchLabelKeys: [pod-template-hash]
      {{- end }}
    {{- end }}
  {{- end }}
  {{- range $field := list "nodeSelector" "tolerations" "affinity" }}
  {{- with get $values $field }}
  {{ $field }}:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
  containers:
    - name: {{ .process }}
      image: {{ include "posthorn.image" $root }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      command: [node, {{ get $commands .process }}{{ if $isJob }}, migrate, up{{ end }}]
      env:
        {{- include "posthorn.env" . | trim | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: { drop: [ALL] }
      {{- with $values.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- if not $isJob }}
      ports:
        - { name: http, containerPort: {{ include "posthorn.port" . }} }
      # Until a process has started, which includes its connections, nothing restarts it.
      startupProbe:
        httpGet: { path: /livez, port: http }
        periodSeconds: 2
        timeoutSeconds: 10
        failureThreshold: 60
      # No dependency: an outage of Postgres or Redis restarts no process.
      livenessProbe:
        httpGet: { path: /livez, port: http }
        periodSeconds: 10
        timeoutSeconds: 10
        failureThreshold: 3
      readinessProbe:
        httpGet: { path: /readyz, port: http }
        periodSeconds: 5
        timeoutSeconds: 10
        failureThreshold: 2
      {{- end }}
      volumeMounts:
        - { name: tmp, mountPath: /tmp }
        {{- with $root.Values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: tmp
      emptyDir: { sizeLimit: 256Mi }
    {{- with $root.Values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}

{{/* The Deployment of a process. Arguments: root, process, replicas (null: an autoscaler decides), strategy. */}}
{{- define "posthorn.deployment" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "posthorn.metadata" . | nindent 2 }}
spec:
  {{- if not (kindIs "invalid" .replicas) }}
  replicas: {{ .replicas }}
  {{- end }}
  revisionHistoryLimit: 5
  strategy:
    type: RollingUpdate
    rollingUpdate: { maxUnavailable: 0, maxSurge: {{ .maxSurge }} }
  selector:
    matchLabels:
      {{- include "posthorn.selector" . | nindent 6 }}
  template:
    {{- include "posthorn.pod" (merge (dict "secretName" (include "posthorn.fullname" .root)) .) | nindent 4 }}
{{- end -}}

{{/* Arguments: root, process. */}}
{{- define "posthorn.service" -}}
{{- $service := (get .root.Values .process).service -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "posthorn.metadata" (merge (dict "annotations" $service.annotations) .) | nindent 2 }}
spec:
  type: {{ $service.type }}
  ports:
    - { name: http, port: {{ $service.port }}, targetPort: http }
  selector:
    {{- include "posthorn.selector" . | nindent 4 }}
{{- end -}}

{{/* Arguments: root, process. A pod that is not ready may always be evicted, so that an outage blocks no node. */}}
{{- define "posthorn.podDisruptionBudget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "posthorn.metadata" . | nindent 2 }}
spec:
  {{- $budget := (get .root.Values .process).podDisruptionBudget }}
  {{- toYaml (ternary (omit $budget "maxUnavailable") $budget (hasKey $budget "minAvailable")) | nindent 2 }}
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "posthorn.selector" . | nindent 6 }}
{{- end -}}
