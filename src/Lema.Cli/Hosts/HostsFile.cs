using System.Text.Json;
using Lema.Cli.Errors;
using Lema.Cli.Files;

namespace Lema.Cli.Hosts;

/// <summary>The file of named hosts in the user's configuration folder. A write replaces it as a whole, so that a reader never sees half of it.</summary>
internal sealed class HostsFile(string path)
{
    public const string FileName = "hosts.json";

    public string FullName => path;

    /// <summary>The file's content; an empty document when there is no file yet.</summary>
    /// <exception cref="CliException">The file cannot be read, is no such JSON, or names a host twice.</exception>
    public HostsDocument Read()
    {
        if (!File.Exists(path)) return new HostsDocument();
        HostsDocument document;
        try
        {
            document = JsonSerializer.Deserialize(File.ReadAllText(path), HostsJson.Default.HostsDocument) ?? new HostsDocument();
        }
        catch (Exception failure) when (failure is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new CliException(ExitCode.InvalidInput, $"{path}: {failure.Message}", "Mend the file, or remove it and add the hosts again with 'lema-remote host add'.");
        }
        string? twice = document.Hosts.GroupBy(h => h.Name, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1)?.Key;
        return twice is null ? document : throw new CliException(ExitCode.InvalidInput, $"{path}: the host '{twice}' is there twice.", "Remove one of them.");
    }

    /// <exception cref="CliException">The file cannot be written.</exception>
    public void Write(HostsDocument document)
    {
        try
        {
            WholeFile.Write(path, JsonSerializer.Serialize(document, HostsJson.Default.HostsDocument) + "\n");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            string problem = FullDisk.IsCauseOf(failure) ? failure.Message : $"{path} cannot be written: {failure.Message}";
            throw new CliException(ExitCode.Failed, problem, "Free some space there or make it writable, or let XDG_CONFIG_HOME name another folder. The named hosts are as they were.");
        }
    }
}
