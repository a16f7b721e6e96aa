using Grpc.Core;
using Lema.Protocol.V1;
using Lema.Web.Tests.Fakes;
using Microsoft.Playwright;

namespace Lema.Web.Tests.Browser;

/// <summary>Writing a run, as a form and as YAML, and what the host says of it.</summary>
[Collection(Chromium.Collection)]
public sealed class NewRunTests(Chromium chromium)
{
    [Fact]
    public async Task Estimate_HostIsLate_IsAskedAgainAndThePageSaysSo()
    {
        await using FakeDaemon daemon = Example.Daemon();
        TaskCompletionSource<Estimate> second = new();
        int asked = 0;
        daemon.Estimating = () => ++asked == 1 ? throw new RpcException(new Status(StatusCode.DeadlineExceeded, "")) : second.Task;
        await using Visit visit = await Visit.BeginAsync(chromium, daemon, "/new");
        IPage page = visit.Page;

        await page.GetByText("did not answer in time; asking again, 2 of").WaitForAsync();
        second.SetResult(new Estimate { Fits = true, Seconds = 42 });
        await page.GetByText("It fits.").WaitForAsync();
        await Assertions.Expect(page.GetByText("about 42 s")).ToHaveCountAsync(2);
        Assert.Equal(2, asked);
    }

    [Fact]
    public async Task Estimate_DoesNotFit_SaysWhatWouldAndCannotBeStarted()
    {
        await using FakeDaemon daemon = Example.Daemon();
        daemon.Estimate = new Estimate { Fits = false, Reason = "Two slots of the largest layer need more.", LeastWeightBytes = 3 << 20, LeastTotalBytes = 440 << 20 };
        await using Visit visit = await Visit.BeginAsync(chromium, daemon, "/new?host=local&from=gone");
        IPage page = visit.Page;

        await page.GetByText("The settings of run gone cannot be taken over. There is no run gone.").WaitForAsync();
        await page.GetByText("It needs a weight budget of at least 3 MiB and 440 MiB in all.").WaitForAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Button, new() { Name = "Start the run" })).ToBeDisabledAsync();
    }

    [Fact]
    public async Task Yaml_BothWays_StartsTheRunThatWasWritten()
    {
        await using FakeDaemon daemon = Example.Daemon();
        await using Visit visit = await Visit.BeginAsync(chromium, daemon, "/new", phone: true);
        IPage page = visit.Page;
        await page.GetByLabel("Steps", new() { Exact = true }).FillAsync("77");
        await page.GetByLabel("Rank").FillAsync("4");
        await page.GetByRole(AriaRole.Button, new() { Name = "YAML" }).ClickAsync();
        ILocator yaml = page.GetByLabel("Run file in YAML");
        string written = await yaml.InputValueAsync();
        Assert.Contains("steps: 77", written, StringComparison.Ordinal);

        await yaml.FillAsync("steps: [");
        await yaml.BlurAsync();
        await page.GetByRole(AriaRole.Alert).WaitForAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Button, new() { Name = "Start the run" })).ToBeDisabledAsync();

        await yaml.FillAsync(written.Replace("steps: 77", "steps: 78", StringComparison.Ordinal));
        await yaml.BlurAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Form" }).ClickAsync();
        await Assertions.Expect(page.GetByLabel("Steps", new() { Exact = true })).ToHaveValueAsync("78");
        await page.GetByRole(AriaRole.Button, new() { Name = "Start the run" }).ClickAsync();
        await page.WaitForAddressAsync("/runs/run-");
        StartRunRequest started = Assert.Single(daemon.Started);
        Assert.Equal((78, 4), (started.Settings.Steps, started.Settings.Lora.R));
    }
}
