using System.CommandLine;
using System.Text.Json;
using Lema.Cli.Errors;
using Lema.Cli.Hosts;
using Lema.Cli.Rendering;

namespace Lema.Cli.Commands.HostCommands;

/// <summary>Says what is wrong between here and a daemon.</summary>
internal sealed class HostCheckCommand : LemaCommand
{
    private readonly Argument<string?> _name = new("HOST") { Description = "Name of a host or an address. [as --host]", Arity = ArgumentArity.ZeroOrOne };

    public HostCheckCommand() : base(
        "check", "Go the way to a daemon step by step (name, port, TLS, token, version) and say what is wrong.",
        "lema-remote host check gpu01",
        "lema-remote host check https://gpu01:5090 --token-file ~/gpu01.token") => Add(_name);

    protected override async Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        HostEntry host = call.Hosts.Resolve(call.Get(_name) ?? call.Host, call.TokenFile);
        int exitCode = ExitCode.Done;
        await foreach (CheckStep step in new HostCheck(host, call.Environment).RunAsync(cancellation))
        {
            if (step.ExitCode != ExitCode.Done) exitCode = step.ExitCode;
            if (call.Output.Json) call.Output.WriteJson(JsonSerializer.Serialize(step, HostCheckJson.Default.CheckStep));
            else Write(call.Output, step);
        }
        return exitCode;
    }

    private static void Write(Output output, CheckStep step)
    {
        // Not wrapped: a remedy may be a command line to copy.
        TextWriter text = output.Text.Profile.Out.Writer;
        text.WriteLine(SafeText.Of($"{(!step.Ok ? "FAIL" : step.Remedy is null ? "ok  " : "warn")}  {step.Name,-8} {step.Finding}"));
        if (step.Remedy is { } remedy) text.WriteLine(SafeText.Of($"      {"",-8} {remedy}"));
    }
}
