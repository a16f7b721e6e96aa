using System.Diagnostics;
using System.Text.Json;
using Grpc.Core;
using Lema.Protocol.Client;
using Lema.Protocol.V1;

namespace Lema.Bench.Watchers;

/// <summary>Many watchers of one run in this process; one connection a principal. Each keeps the number of its last event over all its connections.</summary>
internal sealed class WatcherClients(string run, IReadOnlyList<Training.TrainingClient> principals, int count)
{
    public const string Connect = "connect", Disconnect = "disconnect", Finish = "finish";

    private readonly Watcher[] _watchers = [.. Enumerable.Range(0, count).Select(i => new Watcher(principals[i % principals.Count], run))];
    private CancellationTokenSource _leave = new();
    private Task _all = Task.CompletedTask;
    private DateTime _allConnected = DateTime.MaxValue;

    public static async Task<int> RunAsync(string[] arguments)
    {
        Uri address = new(arguments[0]);
        string[] tokens = (await Console.In.ReadLineAsync())!.Split(' ');
        var channels = tokens.Select(token => DaemonChannel.Create(new DaemonOptions { Address = address, Token = token })).ToArray();
        WatcherClients clients = new(arguments[1], [.. channels.Select(channel => new Training.TrainingClient(channel))], int.Parse(arguments[2], null));
        while (await Console.In.ReadLineAsync() is { } command) Console.WriteLine(await clients.DoAsync(command));
        foreach (var channel in channels) channel.Dispose();
        return 0;
    }

    private async Task<string> DoAsync(string command)
    {
        switch (command)
        {
            case Connect:
                _leave = new();
                _all = Task.WhenAll(_watchers.Select(watcher => watcher.WatchAsync(_leave.Token)));
                await Task.WhenAll(_watchers.Select(watcher => watcher.Connected));
                _allConnected = DateTime.UtcNow;
                foreach (Watcher watcher in _watchers) watcher.MeasureFrom(_allConnected);
                return command;
            case Disconnect:
                foreach (Watcher watcher in _watchers) watcher.MeasureFrom(DateTime.MaxValue);
                await _leave.CancelAsync();
                await _all;
                return command;
            default:
                await Task.WhenAll(_watchers.Select(watcher => watcher.WatchAsync(CancellationToken.None)));
                return JsonSerializer.Serialize(Figures());
        }
    }

    private WatcherFigures Figures()
    {
        double[] latencies = [.. _watchers.SelectMany(watcher => watcher.Milliseconds).Order()];
        double At(double share) => latencies.Length == 0 ? double.NaN : latencies[Math.Min(latencies.Length - 1, (int)(share * latencies.Length))];
        ulong last = _watchers.Max(watcher => watcher.Last);
        return new WatcherFigures(
            latencies.Length, At(0.5), At(0.99), At(1), _watchers.Sum(watcher => watcher.Gaps + (long)(last - watcher.Last)), _watchers.Sum(watcher => watcher.Duplicates),
            Process.GetCurrentProcess().TotalProcessorTime.TotalSeconds);
    }

    private sealed class Watcher(Training.TrainingClient client, string run)
    {
        private TaskCompletionSource _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private DateTime _measureFrom = DateTime.MaxValue;

        public List<double> Milliseconds { get; } = [];

        public ulong Last { get; private set; }

        public long Gaps { get; private set; }

        public long Duplicates { get; private set; }

        public Task Connected => _connected.Task;

        public void MeasureFrom(DateTime time) => _measureFrom = time;

        public async Task WatchAsync(CancellationToken leave)
        {
            _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
            try
            {
                using AsyncServerStreamingCall<WatchRunResponse> call = client.WatchRun(new WatchRunRequest { Run = run, AfterSequence = Last, ProgressIntervalSeconds = 1 }, cancellationToken: leave);
                await call.ResponseHeadersAsync;
                _connected.TrySetResult();
                await foreach (WatchRunResponse message in call.ResponseStream.ReadAllAsync(leave)) Take(message);
            }
            catch (Exception left) when (leave.IsCancellationRequested && left is RpcException or OperationCanceledException)
            {
            }
            catch (Exception error)
            {
                _connected.TrySetException(error);
                throw;
            }
        }

        private void Take(WatchRunResponse message)
        {
            DateTime received = DateTime.UtcNow, sent = message.Sent.ToDateTime();
            if (sent >= _measureFrom) Milliseconds.Add((received - sent).TotalMilliseconds);
            foreach (RunEvent change in message.Events.Events)
            {
                ulong covered = change.Sequence.Last - change.Sequence.First + 1;
                if (change.Sequence.First > Last + 1) Gaps += (long)(change.Sequence.First - Last - 1);
                if (change.Sequence.First <= Last) Duplicates += (long)(Last - change.Sequence.First + 1);
                if (change.BodyCase == RunEvent.BodyOneofCase.Steps) Gaps += Math.Abs((long)covered - change.Steps.Points.Count);
                Last = Math.Max(Last, change.Sequence.Last);
            }
        }
    }
}
