using System.Net;
using Lema.Engine.Errors;

namespace Lema.Server.Hosting;

/// <summary>What an operator decides when starting the daemon.</summary>
public sealed record DaemonOptions
{
    public required string DataFolder { get; init; }

    public IReadOnlyList<string> ModelRoots { get; init; } = [];

    /// <summary>Where gRPC is served, over HTTP/2 alone.</summary>
    public IReadOnlyList<Uri> Urls { get; init; } = [new("http://127.0.0.1:5090")];

    /// <summary>Where liveness and metrics are served, over HTTP/1.1.</summary>
    public IReadOnlyList<Uri> HttpUrls { get; init; } = [];

    /// <summary>What jobs may use together; null: what the machine has, less a reserve.</summary>
    public long? MemoryBytes { get; init; }

    /// <summary>How long workers may take to save when the daemon is told to stop.</summary>
    public TimeSpan DrainLimit { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Runs that train at the same time. They share the machine's processors.</summary>
    public int MaxTrainingRuns { get; init; } = 1;

    public TlsOptions? Tls { get; init; }

    /// <summary>Every problem, before anything is done.</summary>
    public IEnumerable<InvalidInputException> Problems()
    {
        foreach (string root in ModelRoots)
            if (!Directory.Exists(root)) yield return new InvalidInputException("--model-root", root, "there is no such folder.");
        foreach (Uri url in Urls.Concat(HttpUrls))
        {
            string option = Urls.Contains(url) ? "--urls" : "--http-urls";
            if (url.Scheme is not ("http" or "https")) yield return new InvalidInputException(option, url.ToString(), "an address starts with http:// or https://.");
            else if (url.Scheme == "https" && Tls is null) yield return new InvalidInputException(option, url.ToString(), "TLS needs a certificate: --tls-self-signed, or --tls-certificate FILE with --tls-key FILE.");
            else if (url.Scheme == "http" && !IsLoopback(url)) yield return new InvalidInputException(option, url.ToString(), "an address that other machines reach is served over TLS only: use https://, or a loopback address and an ssh tunnel.");
        }
        if (Urls.Count == 0) yield return new InvalidInputException("--urls", "", "name at least one address.");
        if (MemoryBytes is <= 0) yield return new InvalidInputException("--memory-bytes", "", "is not positive.");
        if (MaxTrainingRuns < 1) yield return new InvalidInputException("--max-training-runs", "", "is at least 1.");
    }

    public static bool IsLoopback(Uri url) => url.Host == "localhost" || IPAddress.TryParse(url.Host.Trim('[', ']'), out IPAddress? address) && IPAddress.IsLoopback(address);
}

/// <summary>The daemon's certificate, and whose clients' certificates it asks for.</summary>
public sealed record TlsOptions
{
    /// <summary>Make a certificate in the data folder at the first start and use it from then on.</summary>
    public bool SelfSigned { get; init; }

    public string? CertificateFile { get; init; }

    public string? KeyFile { get; init; }

    /// <summary>Clients must have a certificate that chains to this authority; null: they need none.</summary>
    public string? ClientCaFile { get; init; }
}
