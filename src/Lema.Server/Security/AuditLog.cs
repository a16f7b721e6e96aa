using System.Text;
using System.Text.Json;

namespace Lema.Server.Security;

/// <summary>
/// Who did what: one JSON object a line, only ever appended to. Calls that change something, and every refusal. Holds no token and no content. What a full
/// disk does not take is written when there is space. Lives as long as the daemon.
/// </summary>
internal sealed partial class AuditLog : IDisposable
{
    /// <summary>Bounds what waits for a disk: some hundred bytes each.</summary>
    private const int MostWaiting = 10_000;

    private readonly Lock _gate = new();
    private readonly FileStream _file;
    private readonly TimeProvider _clock;
    private readonly ILogger<AuditLog> _logger;
    private readonly Queue<byte[]> _waiting = new();
    private bool _isRefused;

    public AuditLog(string file, TimeProvider clock, ILogger<AuditLog> logger)
    {
        // Without a buffer nothing of a line is left to be written later by itself.
        FileStreamOptions options = new() { Mode = FileMode.Append, Access = FileAccess.Write, Share = FileShare.Read, BufferSize = 0 };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        _file = new FileStream(file, options);
        _clock = clock;
        _logger = logger;
    }

    /// <summary>Never throws for the disk's sake: what the call did is done, and its caller is to hear of that.</summary>
    /// <param name="principal">Name of the token; empty when there was none that is known.</param>
    /// <param name="target">What the call was about; empty when it cannot be told.</param>
    /// <param name="result">The gRPC status.</param>
    public void Write(string principal, string peer, string call, string target, string result)
    {
        byte[] line = Encoding.UTF8.GetBytes(JsonSerializer.Serialize(new { time = _clock.GetUtcNow(), who = principal, peer, call, target, result }) + "\n");
        lock (_gate)
        {
            if (_waiting.Count < MostWaiting) _waiting.Enqueue(line);
            else LogLost(principal, call, target, result);
            WriteWaiting();
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            WriteWaiting();
            _file.Dispose();
        }
    }

    private void WriteWaiting()
    {
        long whole = _file.Position;
        try
        {
            while (_waiting.TryPeek(out byte[]? line))
            {
                _file.Write(line);
                _waiting.Dequeue();
                whole = _file.Position;
            }
            _isRefused = false;
        }
        catch (IOException refused)
        {
            // The last bytes of a disk may have taken the beginning of a line.
            _file.SetLength(whole);
            if (!_isRefused) LogRefused(refused.Message);
            _isRefused = true;
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The audit log cannot be written ({Reason}); its lines wait")]
    private partial void LogRefused(string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "Lost to the audit log: {Who} {Call} {Target} {Result}")]
    private partial void LogLost(string who, string call, string target, string result);
}
