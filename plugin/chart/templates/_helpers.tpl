{{- /* The labels by which Pods are found. They never change. */ -}}
{{- define "kubectl-certs.selector" -}}
app.kubernetes.io/component: controller
app.kubernetes.io/instance: {{ .Release.Namespace }}
app.kubernetes.io/name: kubectl-certs
{{- end -}}

{{- /* The labels of all objects. Helm puts its own name in the place of the last one. */ -}}
{{- define "kubectl-certs.labels" -}}
{{ include "kubectl-certs.selector" . }}
app.kubernetes.io/managed-by: kubectl-certs
{{- end -}}

{{- /* The name of what is cluster-wide, or in the namespaces of others. */ -}}
{{- define "kubectl-certs.wide" -}}
kubectl-certs-{{ .Release.Namespace }}
{{- end -}}

{{- /* The namespaces that are followed, each once, sorted, as JSON. */ -}}
{{- define "kubectl-certs.namespaces" -}}
{{ .Values.namespaces | uniq | sortAlpha | toJson }}
{{- end -}}

{{- /* Whether the release's own namespace alone is followed: "true" or nothing. */ -}}
{{- define "kubectl-certs.one" -}}
{{- if eq (include "kubectl-certs.namespaces" .) (list .Release.Namespace | toJson) -}}true{{- end -}}
{{- end -}}

{{- /* The port of the API of customers' domains, or nothing. */ -}}
{{- define "kubectl-certs.domains" -}}
{{- with .Values.settings.domains }}{{ if .ask }}{{ regexFind "[0-9]+$" (default ":9403" .listen) }}{{ end }}{{ end -}}
{{- end -}}

{{- /* The rules of what is written in a namespace that is followed, without what the settings do not need. */ -}}
{{- define "kubectl-certs.writing" -}}
{{- $needs := .Values.needs -}}
{{- $rules := list -}}
{{- range $rule := .Files.Get "files/writing.yaml" | fromYamlArray -}}
{{- $group := first $rule.apiGroups -}}
{{- $left := $rule.resources -}}
{{- if and (eq $group "") (not $needs.pods) }}{{ $left = without $left "pods" }}{{ end -}}
{{- if and (eq $group "batch") (not $needs.pods) }}{{ $left = without $left "jobs" }}{{ end -}}
{{- if and (eq $group "") (not $needs.configMaps) }}{{ $left = without $left "configmaps" }}{{ end -}}
{{- if and (has $group (list "apps" "policy")) (not $needs.restarts) }}{{ $left = list }}{{ end -}}
{{- if and (eq $group "") (not $needs.restarts) }}{{ $left = without $left "replicationcontrollers" "pods/eviction" }}{{ end -}}
{{- if $left }}{{ $rules = append $rules (set (deepCopy $rule) "resources" $left) }}{{ end -}}
{{- end -}}
{{- if include "kubectl-certs.domains" . -}}
{{- $rules = concat $rules (.Files.Get "files/domains.yaml" | fromYamlArray) -}}
{{- if eq (default "ingress" .Values.settings.domains.serve) "listenerset" -}}
{{- $rules = concat $rules (.Files.Get "files/listenersets.yaml" | fromYamlArray) -}}
{{- end -}}
{{- if eq (default "ingress" .Values.settings.domains.serve) "template" -}}
{{- $rules = concat $rules (.Files.Get "files/routes.yaml" | fromYamlArray) -}}
{{- end -}}
{{- end -}}
{{ toYaml $rules }}
{{- end -}}

{{- /* The rules of what is done in the release's own namespace. */ -}}
{{- define "kubectl-certs.home" -}}
{{- $rules := .Files.Get "files/home.yaml" | fromYamlArray -}}
{{- if include "kubectl-certs.domains" . -}}
{{- with .Values.settings.domains }}{{ if eq (default "ingress" .serve) "template" -}}
{{- $rules = append $rules (dict "apiGroups" (list "") "resources" (list "configmaps") "verbs" (list "get") "resourceNames" (list .template)) -}}
{{- end }}{{ end -}}
{{- end -}}
{{ toYaml $rules }}
{{- end -}}

{{- /* A role and its binding: kind, namespace (or ""), name, rules, and the root as "top". */ -}}
{{- define "kubectl-certs.role" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .kind }}
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "kubectl-certs.labels" .top | nindent 4 }}
rules:
  {{- .rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .kind }}Binding
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "kubectl-certs.labels" .top | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ .kind }}
  name: {{ .name }}
subjects:
  - kind: ServiceAccount
    namespace: {{ .top.Release.Namespace }}
    name: kubectl-certs
{{- end -}}

{{- /* The rules of policy.names, as a literal of CEL whose values are lists of texts. */ -}}
{{- define "kubectl-certs.names" -}}
{{- $rules := list -}}
{{- range $rule := (.Values.settings.policy | default dict).names -}}
{{- $labels := list -}}
{{- range $key, $value := $rule.namespaceLabels }}{{ $labels = append $labels (printf "%s=%s" $key $value) }}{{ end -}}
{{- $names := list -}}
{{- range $name := $rule.names }}{{ $names = append $names (lower $name) }}{{ end -}}
{{- $wildcards := ternary (list "yes") (list) (default false $rule.wildcards) -}}
{{- $rules = append $rules (dict "labels" $labels "names" $names "namespaces" (default (list) $rule.namespaces) "wildcards" $wildcards) -}}
{{- end -}}
{{- $rules | toJson -}}
{{- end -}}
