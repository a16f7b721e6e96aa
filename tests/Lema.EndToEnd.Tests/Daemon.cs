using System.Diagnostics;

namespace Lema.EndToEnd.Tests;

/// <summary>A real daemon on a free loopback port with an empty data folder, and a user's home folder. Shared by the tests of a class.</summary>
public sealed class Daemon : IAsyncLifetime
{
    private static readonly TimeSpan StartPatience = TimeSpan.FromMinutes(2);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("lema-e2e-");
    private Process? _process;

    public string Address { get; private set; } = "";

    public string Home => Path.Combine(_folder.FullName, "home");

    public string DataFolder => Path.Combine(_folder.FullName, "data");

    public string TokenFile => Path.Combine(DataFolder, "admin.token");

    public async ValueTask InitializeAsync()
    {
        Directory.CreateDirectory(Home);
        _process = Programs.Start(Checkout.Server, Home, new Dictionary<string, string>(), "--data", DataFolder, "--urls", "http://127.0.0.1:0");
        TaskCompletionSource<string> listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
        System.Text.StringBuilder said = new();
        void Heard(string? line)
        {
            if (line is null) return;
            lock (said) said.AppendLine(line);
            if (line.StartsWith("Listening on ", StringComparison.Ordinal)) listening.TrySetResult(line["Listening on ".Length..].Trim());
        }
        _process.OutputDataReceived += (_, line) => Heard(line.Data);
        _process.ErrorDataReceived += (_, line) => Heard(line.Data);
        _process.EnableRaisingEvents = true;
        _process.Exited += (_, _) => listening.TrySetException(new InvalidOperationException($"lema-server ended: {said}"));
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        Address = await listening.Task.WaitAsync(StartPatience);
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false } process)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
        }
        _process?.Dispose();
        _folder.Delete(recursive: true);
    }

    /// <summary>Runs <c>lema-remote</c> with the daemon's address and token.</summary>
    internal Task<Finished> CliAsync(params IEnumerable<string> arguments) => Programs.RunAsync(Checkout.Cli, Home, Variables, arguments);

    internal Dictionary<string, string> Variables => new(StringComparer.Ordinal) { ["LEMA_HOST"] = Address, ["LEMA_TOKEN_FILE"] = TokenFile };
}
