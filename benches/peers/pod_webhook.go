package main

import (
	"context"
	"regexp"

	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
)

// The annotations that decide.
const (
	modeAnnotation      = "meshmode.io/mode"
	forceModeAnnotation = "mesh.company.com/force-mode"
	replicasAnnotation  = "deployment.company.com/replicas"
)

// What meshmode adds to every reason where it has no connection to a cluster.
const off = " (rules off without a cluster connection: sidecar-only, namespace-mode, l7-with-waypoint, " +
	"l7-without-waypoint, many-replicas)"

var (
	highScale = regexp.MustCompile(`^(high-scale|[+]?0*(1[1-9]|[2-9][0-9]|[1-9][0-9]{2,}))$`)

	// The labels that each mode sets.
	labels = map[string]map[string]string{
		"ambient": {"istio.io/dataplane-mode": "ambient", "sidecar.istio.io/inject": "false"},
		"sidecar": {"istio.io/dataplane-mode": "none", "sidecar.istio.io/inject": "true"},
		"none":    {"istio.io/dataplane-mode": "none", "sidecar.istio.io/inject": "false"},
	}
)

// PodCustomDefaulter sets the labels of a dataplane mode, by three of meshmode's default rules, and its record.
type PodCustomDefaulter struct{}

// SetupPodWebhookWithManager registers the webhook for Pod in the manager.
func SetupPodWebhookWithManager(mgr ctrl.Manager) error {
	return ctrl.NewWebhookManagedBy(mgr, &corev1.Pod{}).
		WithDefaulter(&PodCustomDefaulter{}).
		Complete()
}

// Default implements admission.Defaulter.
func (d *PodCustomDefaulter) Default(_ context.Context, pod *corev1.Pod) error {
	mode, rule, reason := place(pod.Annotations)
	if pod.Labels == nil {
		pod.Labels = map[string]string{}
	}
	for key, value := range labels[mode] {
		if _, there := pod.Labels[key]; !there {
			pod.Labels[key] = value
		}
	}
	if pod.Annotations == nil {
		pod.Annotations = map[string]string{}
	}
	pod.Annotations["meshmode.io/placement"] = mode
	pod.Annotations["meshmode.io/rule"] = rule
	pod.Annotations["meshmode.io/reason"] = reason
	return nil
}

// place gives the mode of a Pod with these annotations, the rule that decided, and why.
func place(annotations map[string]string) (mode, rule, reason string) {
	if mode := annotations[modeAnnotation]; labels[mode] != nil {
		return mode, "mode-annotation", "the annotation " + modeAnnotation + " asks for it" + off
	}
	if mode := annotations[forceModeAnnotation]; labels[mode] != nil {
		return mode, "force-mode-annotation", "the annotation " + forceModeAnnotation + " asks for it" + off
	}
	if highScale.MatchString(annotations[replicasAnnotation]) {
		return "ambient", "high-scale", "many replicas; a proxy for each would be expensive" + off
	}
	return "ambient", "default", "cheapest mode that gives mTLS and L4 policy" + off
}
