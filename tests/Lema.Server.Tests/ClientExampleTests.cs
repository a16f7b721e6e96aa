using System.Diagnostics;
using Lema.Server.Tests.Fakes;
using Lema.Testing;

namespace Lema.Server.Tests;

/// <summary>The clients of examples/ and of docs/grpc.md, run as a reader would. Those in other languages need tools that not every machine has.</summary>
public sealed class ClientExampleTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    [Fact]
    public async Task CSharp_FollowsARunToItsEnd()
    {
        await using TestDaemon daemon = await StartAsync();
        string output = await RunAsync("dotnet", Path.Combine(AppContext.BaseDirectory, "FollowRun.dll"), daemon.Address.ToString(), TokenFile(daemon), "lema-tiny", "rows");
        AssertFollowed(output);
    }

    [Fact]
    public async Task Python_FollowsARunToItsEnd()
    {
        string python = PythonWithGrpc() ?? Skip("no Python with grpcio; Debian: apt install python3-grpcio protobuf-compiler-grpc libprotobuf-dev");
        string protoc = Find("protoc") ?? Skip("no protoc"), plugin = Find("grpc_python_plugin") ?? Skip("no grpc_python_plugin");
        if (!File.Exists(Path.Combine(Path.GetDirectoryName(protoc)!, "..", "include", "google", "protobuf", "descriptor.proto"))) Skip("protoc has no google/protobuf/*.proto; Debian: apt install libprotobuf-dev");
        string folder = Directory.CreateTempSubdirectory("lema-python-").FullName, protos = Path.Combine(Repository.Folder, "protos");
        await RunAsync(protoc, ["-I", protos, $"--python_out={folder}", $"--grpc_out={folder}", $"--plugin=protoc-gen-grpc={plugin}", .. Directory.GetFiles(Path.Combine(protos, "lema", "v1"), "*.proto")]);
        File.Copy(Path.Combine(Repository.Folder, "examples", "python", "follow_run.py"), Path.Combine(folder, "follow_run.py"));
        await using TestDaemon daemon = await StartAsync();
        string output = await RunAsync(python, Path.Combine(folder, "follow_run.py"), daemon.Address.Authority, TokenFile(daemon), "lema-tiny", "rows");
        AssertFollowed(output);
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Grpcurl_ListsServicesAndStartsARun()
    {
        string grpcurl = Find("grpcurl") ?? Skip("no grpcurl");
        await using TestDaemon daemon = await StartAsync();
        string[] call = ["-plaintext", "-H", $"authorization: Bearer {File.ReadAllText(TokenFile(daemon)).Trim()}"];
        Assert.Contains("lema.v1.Training", await RunAsync(grpcurl, [.. call, daemon.Address.Authority, "list"]), StringComparison.Ordinal);
        string started = await RunAsync(grpcurl, [.. call, "-d", """{"model":"lema-tiny","dataset":"rows","name":"by-grpcurl","settings":{"steps":20}}""", daemon.Address.Authority, "lema.v1.Training/StartRun"]);
        Assert.Contains("by-grpcurl", started, StringComparison.Ordinal);
        Assert.Contains("RUN_STATE_COMPLETED", await RunAsync(grpcurl, [.. call, "-d", """{"run":"by-grpcurl"}""", daemon.Address.Authority, "lema.v1.Training/WatchRun"]), StringComparison.Ordinal);
    }

    private static async Task<TestDaemon> StartAsync()
    {
        TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.AddDatasetAsync();
        return daemon;
    }

    private static string TokenFile(TestDaemon daemon) => Path.Combine(daemon.Folder, "admin.token");

    private static void AssertFollowed(string output)
    {
        string[] steps = [.. output.Split('\n').Where(line => line.StartsWith("step ", StringComparison.Ordinal)).Select(line => line.Split(' ')[1])];
        Assert.Equal(Enumerable.Range(1, 20).Select(step => step.ToString(System.Globalization.CultureInfo.InvariantCulture)), steps);
        Assert.Contains("step 4 loss 1.0000", output, StringComparison.Ordinal);
        Assert.Contains("Completed", output, StringComparison.OrdinalIgnoreCase);
    }

    private static string? PythonWithGrpc() => new[] { Find("python3"), "/usr/bin/python3" }.Distinct().FirstOrDefault(python =>
    {
        if (!File.Exists(python)) return false;
        using Process process = Start(python, ["-c", "import grpc"]);
        process.WaitForExit();
        return process.ExitCode == 0;
    });

    private static string? Find(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);

    private static string Skip(string reason)
    {
        Assert.Skip(reason);
        return reason;
    }

    /// <summary>What the program writes; it has to end with 0.</summary>
    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        using Process process = Start(program, arguments);
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(Patience);
        Assert.True(process.ExitCode == 0, $"{program}: exit code {process.ExitCode}\n{await output}\n{await error}");
        return await output;
    }

    private static Process Start(string program, string[] arguments) => Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
}
