// A private Python registry. pip.conf is written beside this program.
package main

import (
	"os"

	registry "example.com/pulumi-python-registry/sdk/go/pythonregistry"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		created, err := registry.NewRegistry(ctx, "registry", &registry.RegistryArgs{
			Project:    config.Require(ctx, "gcp:project"),
			Location:   "europe-west1",
			Repository: "python",
			Readers:    []string{"group:developers@example.com"},
			ServiceAccounts: map[string]registry.ServiceAccountConfigArgs{
				"python-publisher": {Access: registry.RoleWriter},
			},
		})
		if err != nil {
			return err
		}
		if !ctx.DryRun() {
			created.PipConf.ApplyT(func(text string) (string, error) {
				return text, os.WriteFile("pip.conf", []byte(text), 0o644)
			})
		}
		ctx.Export("pipConf", created.PipConf)
		ctx.Export("pypirc", created.Pypirc)
		ctx.Export("access", created.Access)
		return nil
	})
}
