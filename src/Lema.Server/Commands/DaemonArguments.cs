using System.CommandLine;
using Lema.Engine.Errors;
using Lema.Server.Hosting;

namespace Lema.Server.Commands;

/// <summary>The daemon's options on the command line.</summary>
internal sealed class DaemonArguments
{
    public Option<string> Data { get; } = new("--data") { Description = "Folder that holds everything the daemon keeps.", Required = true };

    private readonly Option<string[]> _modelRoots = new("--model-root") { Description = "Folder that models may be added from. May be given several times.", DefaultValueFactory = _ => [] };
    private readonly Option<string[]> _urls = new("--urls") { Description = "Addresses that gRPC is served at, over HTTP/2.", DefaultValueFactory = _ => ["http://127.0.0.1:5090"] };
    private readonly Option<string[]> _httpUrls = new("--http-urls") { Description = "Addresses that liveness and metrics are served at, over HTTP/1.1.", DefaultValueFactory = _ => [] };
    private readonly Option<long?> _memory = new("--memory-bytes") { Description = "Memory that jobs may use together. [the machine's, less a reserve]" };
    private readonly Option<int> _drain = new("--drain-seconds") { Description = "How long workers may take to save when the daemon is told to stop.", DefaultValueFactory = _ => 60 };
    private readonly Option<int> _runs = new("--max-training-runs") { Description = "Runs that train at the same time.", DefaultValueFactory = _ => 1 };
    private readonly Option<bool> _selfSigned = new("--tls-self-signed") { Description = "Serve TLS with a certificate that is made in the data folder." };
    private readonly Option<string?> _certificate = new("--tls-certificate") { Description = "PEM file with the certificate to serve TLS with." };
    private readonly Option<string?> _key = new("--tls-key") { Description = "PEM file with its key." };
    private readonly Option<string?> _clientCa = new("--tls-client-ca") { Description = "PEM file with the authority that clients' certificates must come from (mutual TLS)." };

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[Data, _modelRoots, _urls, _httpUrls, _memory, _drain, _runs, _selfSigned, _certificate, _key, _clientCa]) command.Options.Add(option);
    }

    /// <exception cref="InvalidInputException">An address is none.</exception>
    public DaemonOptions Read(ParseResult parsed) => new()
    {
        DataFolder = Path.GetFullPath(parsed.GetRequiredValue(Data)),
        ModelRoots = [.. parsed.GetRequiredValue(_modelRoots).Select(Path.GetFullPath)],
        Urls = Addresses("--urls", parsed.GetRequiredValue(_urls)),
        HttpUrls = Addresses("--http-urls", parsed.GetRequiredValue(_httpUrls)),
        MemoryBytes = parsed.GetValue(_memory),
        DrainLimit = TimeSpan.FromSeconds(Math.Max(0, parsed.GetValue(_drain))),
        MaxTrainingRuns = parsed.GetValue(_runs),
        Tls = parsed.GetValue(_selfSigned) || parsed.GetValue(_certificate) is not null || parsed.GetValue(_clientCa) is not null
            ? new TlsOptions { SelfSigned = parsed.GetValue(_selfSigned), CertificateFile = parsed.GetValue(_certificate), KeyFile = parsed.GetValue(_key), ClientCaFile = parsed.GetValue(_clientCa) }
            : null,
    };

    private static Uri[] Addresses(string option, IEnumerable<string> values) => [.. values
        .SelectMany(value => value.Split([';', ','], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        .Select(value => Uri.TryCreate(value, UriKind.Absolute, out Uri? url) ? url : throw new InvalidInputException(option, value, "is no address, such as http://127.0.0.1:5090."))];
}
