// Command capture says which Pods ztunnel would capture, by the code that istio-cni decides with:
// one JSON array of {"pod": {...}, "namespaceLabels": {...}} in, one array of booleans out.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"istio.io/istio/cni/pkg/util"
)

// What the chart istio-cni sets where nobody chose anything (values.yaml, ambient.enablementSelectors).
const defaultSelectors = `
- podSelector:
    matchLabels: {istio.io/dataplane-mode: ambient}
- podSelector:
    matchExpressions: [{key: istio.io/dataplane-mode, operator: NotIn, values: [none]}]
  namespaceSelector:
    matchLabels: {istio.io/dataplane-mode: ambient}
`

type question struct {
	Pod             corev1.Pod        `json:"pod"`
	NamespaceLabels map[string]string `json:"namespaceLabels"`
}

func main() {
	selectors := flag.String("selectors", defaultSelectors, "AMBIENT_ENABLEMENT_SELECTOR of ConfigMap istio-cni-config")
	flag.Parse()
	if err := answer(*selectors, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "capture:", err)
		os.Exit(1)
	}
}

func answer(text string, in io.Reader, out io.Writer) error {
	// As cni/pkg/cmd/root.go reads it.
	selectors := []util.EnablementSelector{}
	if err := yaml.Unmarshal([]byte(text), &selectors); err != nil {
		return fmt.Errorf("the selectors: %w", err)
	}
	compiled, err := util.NewCompiledEnablementSelectors(selectors)
	if err != nil {
		return err
	}
	var questions []question
	if err := json.NewDecoder(in).Decode(&questions); err != nil {
		return fmt.Errorf("the questions: %w", err)
	}
	answers := make([]bool, len(questions))
	for i, q := range questions {
		answers[i] = compiled.Matches(&q.Pod, q.NamespaceLabels)
	}
	return json.NewEncoder(out).Encode(answers)
}
