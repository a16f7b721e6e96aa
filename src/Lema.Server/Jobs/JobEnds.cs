using Lema.Server.Storage;
using Microsoft.Data.Sqlite;

namespace Lema.Server.Jobs;

/// <summary>Writes down how jobs ended; what the database refuses is tried again until it goes through or the daemon goes. Lives as long as the daemon.</summary>
internal abstract partial class JobEnds<T>(TimeProvider clock, ILogger logger)
{
    /// <param name="id">As the log names the job.</param>
    /// <param name="onRefused">Called once, when the first attempt was refused.</param>
    /// <returns>The job as it was written down.</returns>
    /// <exception cref="OperationCanceledException">The daemon goes, and the end is not written down.</exception>
    public async Task<T> WriteAsync(string id, T ended, Action onRefused, CancellationToken leaving)
    {
        for (bool isFirst = true; ; isFirst = false)
        {
            try
            {
                return await RecordAsync(ended).ConfigureAwait(false);
            }
            catch (SqliteException refused)
            {
                LogNotWritten(id, refused.Message, RunDatabase.PauseAfterRefusal);
                if (isFirst) onRefused();
            }
            await Task.Delay(RunDatabase.PauseAfterRefusal, clock, leaving).ConfigureAwait(false);
        }
    }

    /// <summary>Writes an end down, in one transaction.</summary>
    /// <returns>The job as it was written.</returns>
    protected abstract Task<T> RecordAsync(T ended);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The end of job {Id} could not be written down, which is tried again in {Pause}: {Reason}")]
    private partial void LogNotWritten(string id, string reason, TimeSpan pause);
}
