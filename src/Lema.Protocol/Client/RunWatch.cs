using System.Runtime.CompilerServices;
using Grpc.Core;
using Lema.Protocol.V1;

namespace Lema.Protocol.Client;

/// <summary>Follows one run over lost connections and restarts of the daemon: no event is missed and none comes twice.</summary>
public static class RunWatch
{
    /// <param name="request">Which run; its <c>after_sequence</c> is where to begin.</param>
    /// <returns>A snapshot first (unless the request says where to go on), then events. A snapshot that comes later replaces everything before it.
    /// Ends when the run has ended.</returns>
    public static async IAsyncEnumerable<StreamUpdate<WatchRunResponse>> FollowAsync(
        Training.TrainingClient client, WatchRunRequest request, [EnumeratorCancellation] CancellationToken stop = default)
    {
        RunCursor cursor = new(request);
        bool expired = true;
        while (expired)
        {
            expired = false;
            await using IAsyncEnumerator<StreamUpdate<WatchRunResponse>> updates = RecoveringStream
                .Watch(token => client.WatchRun(cursor.NextRequest(), cancellationToken: token), cursor.Accept, stop).GetAsyncEnumerator(stop);
            while (true)
            {
                try
                {
                    if (!await updates.MoveNextAsync().ConfigureAwait(false)) break;
                }
                catch (RpcException error) when (error.StatusCode == StatusCode.OutOfRange && cursor.HasFreshSnapshot)
                {
                    expired = true;
                    break;
                }
                yield return updates.Current;
            }
        }
    }

    /// <summary>The number of the last event received. Lives as long as the watch, over all its calls.</summary>
    private sealed class RunCursor(WatchRunRequest request)
    {
        private readonly WatchRunRequest _next = request.Clone();

        /// <summary>Whether the call under way brought a snapshot, from which the next can go on.</summary>
        public bool HasFreshSnapshot { get; private set; }

        public WatchRunRequest NextRequest()
        {
            HasFreshSnapshot = false;
            return _next.Clone();
        }

        /// <summary>False for events that have been received before.</summary>
        public bool Accept(WatchRunResponse message)
        {
            if (message.KindCase == WatchRunResponse.KindOneofCase.Snapshot)
            {
                HasFreshSnapshot = true;
                _next.AfterSequence = message.Snapshot.Sequence;
                return true;
            }
            if (message.Events.Events.Count == 0) return true;
            ulong last = message.Events.Events[^1].Sequence.Last;
            if (_next.HasAfterSequence && last <= _next.AfterSequence) return false;
            _next.AfterSequence = last;
            return true;
        }
    }
}
