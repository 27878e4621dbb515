// A cert-manager controller: the loops of cert-manager's own module that Certificates, requests, orders, challenges,
// issuers (ACME, CA, self-signed) and the annotations of Ingresses (ingress-shim) need. The stock binary's main package
// is in a module of the same repository that the module proxy does not serve.
//
// It works in one namespace alone, so that each test has its own, and others see a cluster without a controller.
package main

import (
	"context"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/cert-manager/cert-manager/pkg/controller"
	_ "github.com/cert-manager/cert-manager/pkg/controller/acmechallenges"
	_ "github.com/cert-manager/cert-manager/pkg/controller/acmeorders"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificate-shim/ingresses"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/acme"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/approver"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/ca"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/selfsigned"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/issuing"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/keymanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/readiness"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/requestmanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/revisionmanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/trigger"
	_ "github.com/cert-manager/cert-manager/pkg/controller/issuers"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/acme"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/ca"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/selfsigned"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	// As of the stock binary: the Secret of a Certificate goes with it.
	owns := len(os.Args) == 5 && os.Args[4] == "--enable-certificate-owner-ref"
	if len(os.Args) != 4 && !owns {
		log.Fatal("usage: cert-manager KUBECONFIG NAMESPACE NAMESERVER:PORT [--enable-certificate-owner-ref]")
	}
	if err := run(ctx, os.Args[1], os.Args[2], os.Args[3], owns); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, kubeconfig, namespace, nameserver string, owns bool) error {
	options := controller.ContextOptions{Kubeconfig: kubeconfig, Namespace: namespace}
	options.KubernetesAPIQPS, options.KubernetesAPIBurst = 100, 200
	options.ClusterResourceNamespace = namespace
	options.DNS01Nameservers = []string{nameserver}
	options.HTTP01SolverNameservers = []string{nameserver}
	options.DNS01CheckRetryPeriod = time.Second
	options.MaxConcurrentChallenges = 10
	options.EnableOwnerRef = owns
	options.CertificateRequestMinimumBackoffDuration = time.Hour
	options.CertificateRequestMaximumBackoffDuration = 32 * time.Hour
	factory, err := controller.NewContextFactory(ctx, options)
	if err != nil {
		return err
	}
	shared, err := factory.Build()
	if err != nil {
		return err
	}
	ended := make(chan error)
	for name, build := range controller.Known() {
		loop, err := build(factory)
		if err != nil {
			return err
		}
		log.Println("starting", name)
		go func() { ended <- loop.Run(2, ctx) }()
	}
	shared.SharedInformerFactory.Start(ctx.Done())
	shared.KubeSharedInformerFactory.Start(ctx.Done())
	shared.HTTP01ResourceMetadataInformersFactory.Start(ctx.Done())
	select {
	case <-ctx.Done():
		return nil
	case err := <-ended:
		return err
	}
}
