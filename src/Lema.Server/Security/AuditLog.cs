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
    private readonly AuditFiles _files;
    private readonly TimeProvider _clock;
    private readonly ILogger<AuditLog> _logger;
    private readonly Queue<byte[]> _waiting = new();
    private FileStream? _file;
    private bool _isRefused, _isTooLong;

    public AuditLog(AuditFiles files, TimeProvider clock, ILogger<AuditLog> logger)
    {
        _files = files;
        _file = files.Open();
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
            _file?.Dispose();
        }
    }

    private void WriteWaiting()
    {
        try
        {
            while (_waiting.TryPeek(out byte[]? line))
            {
                _file ??= _files.Open();
                if (_file.Position > 0 && _file.Position + line.Length > _files.MostBytes) BeginNext();
                WriteWhole(_file ??= _files.Open(), line);
                _waiting.Dequeue();
            }
            _isRefused = false;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            if (!_isRefused) LogRefused(refused.Message);
            _isRefused = true;
        }
    }

    private static void WriteWhole(FileStream file, byte[] line)
    {
        long whole = file.Position;
        try
        {
            file.Write(line);
        }
        catch (IOException)
        {
            // The last bytes of a disk may have taken the beginning of a line.
            file.SetLength(whole);
            throw;
        }
    }

    /// <summary>A file that cannot be put aside grows on: better too long a record than none.</summary>
    private void BeginNext()
    {
        try
        {
            _file!.Flush(flushToDisk: true);
            // Elsewhere than on Unix an open file keeps its name.
            _file.Dispose();
            _file = null;
            _files.PutAside();
            _isTooLong = false;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            if (!_isTooLong) LogTooLong(refused.Message);
            _isTooLong = true;
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The audit log cannot be written ({Reason}); its lines wait")]
    private partial void LogRefused(string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "The audit log cannot begin another file ({Reason}); this one grows on")]
    private partial void LogTooLong(string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "Lost to the audit log: {Who} {Call} {Target} {Result}")]
    private partial void LogLost(string who, string call, string target, string result);
}
