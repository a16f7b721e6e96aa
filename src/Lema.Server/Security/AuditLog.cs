using System.Text;
using System.Text.Json;

namespace Lema.Server.Security;

/// <summary>
/// Who did what: one JSON object a line, only ever appended to. Calls that change something, and every refusal. Holds no token and no content. Lives as long as the daemon.
/// </summary>
internal sealed class AuditLog : IDisposable
{
    private readonly Lock _gate = new();
    private readonly FileStream _file;
    private readonly TimeProvider _clock;

    public AuditLog(string file, TimeProvider clock)
    {
        FileStreamOptions options = new() { Mode = FileMode.Append, Access = FileAccess.Write, Share = FileShare.Read };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        _file = new FileStream(file, options);
        _clock = clock;
    }

    /// <param name="principal">Name of the token; empty when there was none that is known.</param>
    /// <param name="target">What the call was about; empty when it cannot be told.</param>
    /// <param name="result">The gRPC status.</param>
    public void Write(string principal, string peer, string call, string target, string result)
    {
        byte[] line = Encoding.UTF8.GetBytes(JsonSerializer.Serialize(new { time = _clock.GetUtcNow(), who = principal, peer, call, target, result }) + "\n");
        lock (_gate)
        {
            _file.Write(line);
            _file.Flush();
        }
    }

    public void Dispose() => _file.Dispose();
}
