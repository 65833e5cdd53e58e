{{/* The name of the release's objects, short enough for a role's name behind it. */}}
{{- define "ticketing-agent.fullname" -}}
{{- $name := .Values.nameOverride | default .Chart.Name -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- .Values.fullnameOverride | default $full | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "ticketing-agent.selector" -}}
app.kubernetes.io/name: {{ .Values.nameOverride | default .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "ticketing-agent.labels" -}}
{{ include "ticketing-agent.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "ticketing-agent.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{ printf "%s@%s" $image.repository $image.digest }}
{{- else -}}
{{ printf "%s:%s" $image.repository ($image.tag | default .Chart.AppVersion) }}
{{- end -}}
{{- end -}}

{{/* The registry of platforms, roles and secrets, made from the code. */}}
{{- define "ticketing-agent.registry" -}}
{{ .Files.Get "files/registry.json" }}
{{- end -}}

{{/* The configuration as JSON: the chart's own defaults, LogClaw's values, `config`. */}}
{{- define "ticketing-agent.config" -}}
{{- $logclaw := (get .Values "logclaw-ticketing-agent" | default dict).config | default dict -}}
{{- $own := dict "web" (dict "host" "0.0.0.0") "metrics" (dict "host" "0.0.0.0") -}}
{{- $config := mustMergeOverwrite $own (mustDeepCopy $logclaw) (mustDeepCopy .Values.config) -}}
{{- $brokers := ($config.kafka | default dict).brokers -}}
{{- $redis := ($config.redis | default dict).url -}}
{{- if or (not $brokers) (eq $brokers "embedded") -}}
{{- fail "config.kafka.brokers: set the address of Kafka, such as kafka-0:9092,kafka-1:9092" -}}
{{- end -}}
{{- if eq ($redis | default "") "embedded" -}}
{{- fail "config.redis.url: must not be \"embedded\": each pod would have a view of its own" -}}
{{- end -}}
{{- if not (dig "metrics" "enabled" true $config) -}}
{{- fail "config.metrics.enabled: must not be false: the probes of most pods ask there" -}}
{{- end -}}
{{- range list "web" "metrics" -}}
{{- if eq (dig . "port" 1 $config | int) 0 -}}
{{- fail (printf "config.%s.port: must not be 0: the probes must know the port" .) -}}
{{- end -}}
{{- end -}}
{{- if dig "kafka" "groupInstanceId" "" $config -}}
{{- fail "config.kafka.groupInstanceId: leave it out: each pod of a StatefulSet has its own name for it" -}}
{{- end -}}
{{- range (include "ticketing-agent.registry" . | fromJson).secrets -}}
{{- include "ticketing-agent.refuseSecret" (dict "tree" $config "path" . "rest" (splitList "." .)) -}}
{{- end -}}
{{- if regexMatch "://[^/@]*:[^/@]+@" ($redis | default "") -}}
{{- fail "config.redis.url: holds a password: put redis.url into the Secret instead" -}}
{{- end -}}
{{- if and .Values.secrets.byRole (not (include "ticketing-agent.secretName" .)) -}}
{{- fail "secrets.byRole: set secrets.existingSecret too: the setup and every other role mount it" -}}
{{- end -}}
{{- $secrets := (include "ticketing-agent.registry" . | fromJson).secrets -}}
{{- $paths := dict "defaults" .Values.defaults -}}
{{- range $role, $settings := .Values.roles -}}
{{- $paths = set $paths (print "roles." $role) $settings -}}
{{- end -}}
{{- range $path, $settings := $paths -}}
{{- $given := dict "path" $path "env" ($settings | default dict).extraEnv "secrets" $secrets -}}
{{- include "ticketing-agent.refuseShape" $given -}}
{{- include "ticketing-agent.refuseSecretVariable" $given -}}
{{- end -}}
{{ mustToPrettyJson $config }}
{{- end -}}

{{/* Fails when a variable sets a key that manifests are made from: they would not follow it. */}}
{{- define "ticketing-agent.refuseShape" -}}
{{- $path := .path -}}
{{- $shape := "^TICKETING_(KAFKA(__(BROKERS|PREFIX|PARTITIONS))?|INPUT(__TOPICS)?|(WEB|METRICS)(__PORT)?|LLM(__PROVIDERS?)?|TELEMETRY(__OTLP(__ENDPOINT)?)?|[A-Z]+__ENABLED)$" -}}
{{- range .env -}}
{{- if regexMatch $shape .name -}}
{{- fail (printf "%s.extraEnv: %s sets what manifests are made from: set its key in `config`" $path .name) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Fails when a variable of the values holds a secret; its name is that of the setting. */}}
{{- define "ticketing-agent.refuseSecretVariable" -}}
{{- $top := . -}}
{{- range .env -}}
{{- $name := .name -}}
{{- $value := .value | default "" -}}
{{- $found := regexMatch "^OTEL_EXPORTER_OTLP_(TRACES_)?HEADERS$" $name -}}
{{- if hasPrefix "TICKETING_REDIS" $name -}}
{{- $found = regexMatch "://[^/@]*:[^/@]+@" $value -}}
{{- end -}}
{{- range $top.secrets -}}
{{- $words := list -}}
{{- range splitList "." (replace "[]" "" .) -}}
{{- $words = append $words (snakecase . | upper) -}}
{{- end -}}
{{- $own := print "TICKETING_" (join "__" $words) -}}
{{- $inside := and (hasPrefix (print $name "__") $own) (contains (splitList "." . | last) $value) -}}
{{- if or (eq $name $own) (hasPrefix (print $own "__") $name) $inside -}}
{{- $found = true -}}
{{- end -}}
{{- end -}}
{{- if and $found $value -}}
{{- fail (printf "%s.extraEnv: %s holds a secret: put it into the Secret, or take it from one by valueFrom" $top.path $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Fails when a secret stands in the values. */}}
{{- define "ticketing-agent.refuseSecret" -}}
{{- $key := trimSuffix "[]" (first .rest) -}}
{{- $found := get .tree $key -}}
{{- if $found -}}
{{- if eq (len .rest) 1 -}}
{{- fail (printf "config.%s is a secret: take it out of the values and put it into the Secret" .path) -}}
{{- else if kindIs "slice" $found -}}
{{- $top := . -}}
{{- range $found -}}
{{- include "ticketing-agent.refuseSecret" (dict "tree" . "path" $top.path "rest" (rest $top.rest)) -}}
{{- end -}}
{{- else -}}
{{- include "ticketing-agent.refuseSecret" (dict "tree" $found "path" .path "rest" (rest .rest)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The roles of the configuration, as {"roles": [...]}; the same as `ticketing worker` has. */}}
{{- define "ticketing-agent.roles" -}}
{{- $config := include "ticketing-agent.config" . | fromJson -}}
{{- $roles := list "pipeline" "view" "api" -}}
{{- if dig "traces" "enabled" true $config -}}
{{- $roles = append $roles "traces" -}}
{{- end -}}
{{- range (include "ticketing-agent.registry" . | fromJson).platforms -}}
{{- if dig . "enabled" false $config -}}
{{- $roles = append $roles . -}}
{{- end -}}
{{- end -}}
{{- $provider := dig "llm" "provider" "disabled" $config | default "disabled" -}}
{{- if or (ne $provider "disabled") (dig "llm" "providers" (list) $config) -}}
{{- $roles = append $roles "summaries" -}}
{{- end -}}
{{ dict "roles" $roles | toJson }}
{{- end -}}

{{- define "ticketing-agent.isPlatform" -}}
{{- if has .role (include "ticketing-agent.registry" .root | fromJson).platforms }}true{{ end -}}
{{- end -}}

{{/* True for the roles that keep tables. */}}
{{- define "ticketing-agent.isStateful" -}}
{{- if or (eq .role "pipeline") (include "ticketing-agent.isPlatform" .) }}true{{ end -}}
{{- end -}}

{{- define "ticketing-agent.servesApi" -}}
{{- if has .role (list "view" "api") }}true{{ end -}}
{{- end -}}

{{/* The settings of a role as JSON: the defaults, an adapter's, the role's own. */}}
{{- define "ticketing-agent.settings" -}}
{{- $values := .root.Values -}}
{{- $settings := mustDeepCopy $values.defaults -}}
{{- if include "ticketing-agent.isPlatform" . -}}
{{- $settings = mustMergeOverwrite $settings (mustDeepCopy ($values.roles.adapter | default dict)) -}}
{{- end -}}
{{- $settings = mustMergeOverwrite $settings (mustDeepCopy (get $values.roles .role | default dict)) -}}
{{ toJson $settings }}
{{- end -}}

{{- define "ticketing-agent.roleName" -}}
{{ printf "%s-%s" (include "ticketing-agent.fullname" .root) .role }}
{{- end -}}

{{- define "ticketing-agent.roleSelector" -}}
{{ include "ticketing-agent.selector" .root }}
app.kubernetes.io/component: {{ .role }}
{{- end -}}

{{/* The name of the Secret with the agent's secrets; empty without one. */}}
{{- define "ticketing-agent.secretName" -}}
{{- if .Values.secrets.externalSecret.enabled -}}
{{ .Values.secrets.existingSecret | default (printf "%s-secrets" (include "ticketing-agent.fullname" .)) }}
{{- else -}}
{{ .Values.secrets.existingSecret }}
{{- end -}}
{{- end -}}

{{/* Environment and mounts that every container of the image has. */}}
{{- define "ticketing-agent.environment" -}}
- name: TICKETING_CONFIG
  value: /etc/ticketing/config/ticketing.json
- name: TICKETING_DATA_DIR
  value: /var/lib/ticketing
{{- if include "ticketing-agent.secretName" . }}
- name: TICKETING_SECRETS_DIR
  value: /etc/ticketing/secrets
{{- end }}
- name: HOME
  value: /tmp
{{- end -}}

{{- define "ticketing-agent.mounts" -}}
- name: config
  mountPath: /etc/ticketing/config
  readOnly: true
{{- if include "ticketing-agent.secretName" . }}
- name: secrets
  mountPath: /etc/ticketing/secrets
  readOnly: true
{{- end }}
{{- if .Values.certificates.existingSecret }}
- name: certificates
  mountPath: /etc/ticketing/certificates
  readOnly: true
{{- end }}
- name: data
  mountPath: /var/lib/ticketing
- name: tmp
  mountPath: /tmp
{{- end -}}

{{/* `configMap` names the ConfigMap; `claimed` leaves the data to a claim of the StatefulSet. */}}
{{- define "ticketing-agent.volumes" -}}
- name: config
  configMap:
    name: {{ .configMap }}
{{- $own := get (.root.Values.secrets.byRole | default dict) (.role | default "") }}
{{- with include "ticketing-agent.secretName" .root }}
- name: secrets
  secret:
    secretName: {{ $own | default . }}
    defaultMode: 0440
{{- end }}
{{- with .root.Values.certificates.existingSecret }}
- name: certificates
  secret:
    secretName: {{ . }}
    defaultMode: 0440
{{- end }}
{{- if not .claimed }}
- name: data
  emptyDir: {}
{{- end }}
- name: tmp
  emptyDir: {}
{{- end -}}

{{/* A pod that runs a command of the image once. */}}
{{- define "ticketing-agent.podBasics" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- end -}}

{{- define "ticketing-agent.containerBasics" -}}
image: {{ include "ticketing-agent.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
# The last lines of the log become the reason that `kubectl describe pod` shows.
terminationMessagePolicy: FallbackToLogsOnError
{{- end -}}

{{/* The pod template of a role. */}}
{{- define "ticketing-agent.pod" -}}
{{- $root := .root -}}
{{- $settings := .settings -}}
{{- $config := include "ticketing-agent.config" $root | fromJson -}}
{{- $api := include "ticketing-agent.servesApi" . -}}
{{- $port := ternary (dig "web" "port" 8080 $config) (dig "metrics" "port" 9464 $config) (eq $api "true") -}}
metadata:
  annotations:
    checksum/config: {{ include "ticketing-agent.config" $root | sha256sum }}
    {{- with $settings.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  labels:
    {{- include "ticketing-agent.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .role }}
    {{- if $api }}
    ticketing-agent/serves-api: "true"
    {{- end }}
    {{- with $settings.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- include "ticketing-agent.podBasics" $root | nindent 2 }}
  terminationGracePeriodSeconds: {{ $settings.terminationGracePeriodSeconds }}
  {{- with $settings.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with $settings.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $settings.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $settings.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  topologySpreadConstraints:
    {{- if kindIs "slice" $settings.topologySpreadConstraints }}
    {{- toYaml $settings.topologySpreadConstraints | nindent 4 }}
    {{- else }}
    {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
    - maxSkew: 1
      topologyKey: {{ . }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "ticketing-agent.roleSelector" $ | nindent 10 }}
    {{- end }}
    {{- end }}
  containers:
    - name: {{ .role }}
      {{- include "ticketing-agent.containerBasics" $root | nindent 6 }}
      args: [worker, {{ .role }}]
      env:
        {{- include "ticketing-agent.environment" $root | nindent 8 }}
        {{- if include "ticketing-agent.isStateful" . }}
        # A pod of a StatefulSet gets its partitions back at once after a restart.
        - name: TICKETING_KAFKA__GROUP_INSTANCE_ID
          valueFrom: {fieldRef: {fieldPath: metadata.name}}
        {{- end }}
        {{- with $settings.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      ports:
        - name: http
          containerPort: {{ $port }}
      # Ready once the tables are recovered; until then nobody else ends the container.
      startupProbe:
        httpGet: {path: /ready, port: http}
        periodSeconds: 5
        timeoutSeconds: 5
        failureThreshold: {{ div (add $settings.startupSeconds 4) 5 | max 1 }}
      readinessProbe:
        httpGet: {path: /ready, port: http}
        periodSeconds: 5
        timeoutSeconds: 5
        failureThreshold: 3
      # From outside, as a process whose interpreter is held does not see that itself. A minute, like
      # the watchdog's.
      livenessProbe:
        httpGet: {path: /health, port: http}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      resources:
        {{- toYaml $settings.resources | nindent 8 }}
      volumeMounts:
        {{- include "ticketing-agent.mounts" $root | nindent 8 }}
  volumes:
    {{- $claimed := and (include "ticketing-agent.isStateful" .) $settings.persistence.enabled }}
    {{- include "ticketing-agent.volumes" (dict "root" $root "configMap" (include "ticketing-agent.fullname" $root) "claimed" $claimed "role" .role) | nindent 4 }}
{{- end -}}
