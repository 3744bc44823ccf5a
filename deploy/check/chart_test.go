package check

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
)

// render is "helm template": the objects by kind and name.
func render(t *testing.T, values map[string]any) (map[string]map[string]any, error) {
	t.Helper()
	chart, err := loader.Load(root + "/deploy/chart")
	if err != nil {
		t.Fatal(err)
	}
	all, err := chartutil.ToRenderValues(chart, values, chartutil.ReleaseOptions{Name: "lic", Namespace: "seatstream", IsInstall: true}, chartutil.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	files, err := engine.Render(chart, all)
	if err != nil {
		return nil, err
	}
	objects := map[string]map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		dec := yaml.NewDecoder(strings.NewReader(files[name]))
		for {
			var o map[string]any
			if err := dec.Decode(&o); err != nil {
				if err.Error() == "EOF" {
					break
				}
				t.Fatalf("%s: %v\n%s", name, err, files[name])
			}
			if o != nil {
				objects[o["kind"].(string)+"/"+o["metadata"].(map[string]any)["name"].(string)] = o
			}
		}
	}
	return objects, nil
}

func at(o any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := o.(map[string]any)
			o = m[p]
		case int:
			l, _ := o.([]any)
			if p >= len(l) {
				return nil
			}
			o = l[p]
		}
	}
	return o
}

// TestChart renders the chart with its defaults and with everything on.
func TestChart(t *testing.T) {
	t.Parallel()
	objects, err := render(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, role := range []string{"producer", "consumer", "dashboard"} {
		d := objects["Deployment/lic-"+role]
		pod := at(d, "spec", "template", "spec")
		c := at(pod, "containers", 0)
		if at(c, "args", 0) != role || at(c, "readinessProbe", "httpGet", "path") != "/readyz" || at(c, "livenessProbe", "httpGet", "path") != "/healthz" {
			t.Errorf("%s: container %v", role, c)
		}
		if at(pod, "securityContext", "runAsNonRoot") != true || at(c, "securityContext", "readOnlyRootFilesystem") != true || at(c, "securityContext", "allowPrivilegeEscalation") != false {
			t.Errorf("%s has rights it does not need", role)
		}
		labels, _ := at(d, "spec", "selector", "matchLabels").(map[string]any)
		for _, kind := range []string{"PodDisruptionBudget/lic-", "NetworkPolicy/lic-"} {
			o := objects[kind+role]
			selector, _ := at(o, "spec", "selector", "matchLabels").(map[string]any)
			if selector == nil {
				selector, _ = at(o, "spec", "podSelector", "matchLabels").(map[string]any)
			}
			if len(selector) != 3 || !maps.Equal(selector, labels) {
				t.Errorf("%s%s selects %v, the pods have %v", kind, role, selector, labels)
			}
		}
		for _, e := range at(c, "env").([]any) {
			if v, _ := at(e, "value").(string); strings.Contains(strings.ToLower(at(e, "name").(string)), "password") && !strings.HasPrefix(v, "/etc/") {
				t.Errorf("%s has a password in its environment", role)
			}
		}
	}
	if at(objects["Service/lic-dashboard"], "spec", "ports", 0, "targetPort") != "page" || at(objects["Deployment/lic-dashboard"], "spec", "template", "spec", "containers", 0, "ports", 1, "name") != "page" {
		t.Error("the page has no service")
	}
	full, err := render(t, map[string]any{
		"keda": map[string]any{"enabled": true}, "serviceMonitor": map[string]any{"enabled": true}, "caConfigMap": "ca",
		"connectors":     map[string]any{"existingEnvSecret": "tenants"},
		"serviceAccount": map[string]any{"annotations": map[string]any{"azure.workload.identity/client-id": "x"}, "podLabels": map[string]any{"azure.workload.identity/use": "true"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if at(full["ScaledObject/lic-producer"], "spec", "triggers", 0, "metadata", "stream") != "SEATSTREAM_COMMANDS" || full["PodMonitor/lic-consumer"] == nil {
		t.Errorf("objects %v", slices.Sorted(maps.Keys(full)))
	}
	if at(full["Deployment/lic-producer"], "spec", "replicas") != nil {
		t.Error("the chart and KEDA both set the replicas of producers")
	}
	if at(full["Deployment/lic-producer"], "spec", "template", "metadata", "labels", "azure.workload.identity/use") != "true" {
		t.Error("no label for workload identity")
	}
}

// TestChartRefuses what would start wrong, or in clear text.
func TestChartRefuses(t *testing.T) {
	t.Parallel()
	for name, values := range map[string]map[string]any{
		"plain nats":       {"nats": map[string]any{"url": "nats://nats:4222"}},
		"plain clickhouse": {"clickhouse": map[string]any{"dsn": "clickhouse://seatstream@clickhouse:9000"}},
		"password":         {"clickhouse": map[string]any{"dsn": "clickhouse://seatstream:hush@clickhouse:9440?secure=true"}},
		"no replicas":      {"producer": map[string]any{"replicas": 0}},
		"typing error":     {"produser": map[string]any{"replicas": 3}},
		"latest":           {"image": map[string]any{"repository": "x", "tag": "latest"}},
	} {
		if _, err := render(t, values); err == nil || !strings.Contains(err.Error(), "schema") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
