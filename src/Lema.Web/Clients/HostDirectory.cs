using System.Collections.Frozen;
using System.Text.Json;
using Lema.Web.Hosting;

namespace Lema.Web.Clients;

/// <summary>The daemons this dashboard shows. Lives as long as the program.</summary>
public sealed class HostDirectory
{
    public const string DefaultAddress = "http://127.0.0.1:5090";

    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web)
    {
        AllowTrailingCommas = true,
        ReadCommentHandling = JsonCommentHandling.Skip,
    };

    private readonly FrozenDictionary<string, DaemonEndpoint> _byName;

    public HostDirectory(IReadOnlyList<DaemonEndpoint> hosts)
    {
        All = hosts;
        _byName = hosts.ToFrozenDictionary(host => host.Name, StringComparer.Ordinal);
    }

    public IReadOnlyList<DaemonEndpoint> All { get; }

    public DaemonEndpoint? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>Reads the file of hosts; without one, a single daemon at <paramref name="address"/>, named "local".</summary>
    /// <exception cref="SettingsException">The file is missing, is no such JSON, or names a host twice or with a bad address.</exception>
    public static HostDirectory Load(string? path, string? address)
    {
        if (path is null)
        {
            return new([new DaemonEndpoint("local", ParseAddress(address ?? DefaultAddress, "LEMA_HOST"))]);
        }
        if (!File.Exists(path)) throw new SettingsException($"--hosts: there is no file {Path.GetFullPath(path)}.");
        try
        {
            return Read(path, File.ReadAllText(path));
        }
        catch (Exception failure) when (failure is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new SettingsException($"--hosts: {path} cannot be read: {failure.Message}", failure);
        }
    }

    private static HostDirectory Read(string path, string json)
    {
        HostsFile? file = JsonSerializer.Deserialize<HostsFile>(json, Format);
        if (file?.Hosts is not { Count: > 0 } entries)
        {
            throw new SettingsException($"--hosts: {path} lists no host; write {{ \"hosts\": [ {{ \"name\": \"gpu01\", \"address\": \"https://gpu01:5090\" }} ] }}.");
        }
        List<DaemonEndpoint> hosts = [];
        foreach (HostEntry entry in entries)
        {
            if (string.IsNullOrWhiteSpace(entry.Name) || entry.Name.AsSpan().IndexOfAny("/?#%\\ ") >= 0)
            {
                throw new SettingsException($"--hosts: {path}: \"{entry.Name}\" cannot be a host's name; it needs letters and digits without spaces or any of /?#%\\.");
            }
            if (hosts.Exists(host => host.Name == entry.Name)) throw new SettingsException($"--hosts: {path} names \"{entry.Name}\" twice.");
            hosts.Add(new(entry.Name, ParseAddress(entry.Address, $"{path}: host \"{entry.Name}\""), entry.Ca, entry.Fingerprint));
        }
        return new(hosts);
    }

    private static Uri ParseAddress(string? text, string place) =>
        Uri.TryCreate(text, UriKind.Absolute, out Uri? address) && address.Scheme is "http" or "https"
            ? address
            : throw new SettingsException($"{place}: \"{text}\" is no http or https address.");

    private sealed record HostsFile(IReadOnlyList<HostEntry>? Hosts);

    private sealed record HostEntry(string? Name, string? Address, string? Ca, string? Fingerprint);
}
