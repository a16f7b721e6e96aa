using System.Threading.Channels;
using Google.Protobuf.WellKnownTypes;
using Lema.Protocol.V1;

namespace Lema.Web.Tests.Fakes;

/// <summary>A run whose events a test writes; watchers get a snapshot and then each event, from any number on.</summary>
internal sealed class FakeRun
{
    /// <summary>Points of a curve in a snapshot, as a daemon sends them.</summary>
    public const int MostPoints = 2_000;

    private readonly Lock _gate = new();
    private readonly List<RunEvent> _events = [];
    private readonly List<StepPoint> _steps = [];
    private readonly List<Channel<bool>> _wakers = [];
    private double _seconds;
    private long _tokens;

    public FakeRun(string id, string name, int totalSteps)
    {
        Detail = new RunDetail
        {
            Summary = new RunSummary
            {
                Id = id, Name = name, Model = "lema-tiny", Dataset = "facts", State = RunState.Running, TotalSteps = totalSteps,
                Created = Timestamp.FromDateTimeOffset(DateTimeOffset.UtcNow.AddMinutes(-3)),
            },
            Settings = new RunSettings { Steps = totalSteps, LearningRate = 0.002, MicroBatchSize = 16, Lora = new LoraSettings { R = 16, Alpha = 32 } },
            Owner = "admin",
        };
    }

    public RunDetail Detail { get; }

    public RunSummary Summary
    {
        get { lock (_gate) return Detail.Summary.Clone(); }
    }

    public ulong Sequence => (ulong)_events.Count;

    public List<EvaluatedReply> Replies { get; } = [];

    /// <summary>Writes one step to the log.</summary>
    public void Step(double loss, double seconds = 0.2)
    {
        StepPoint point = new()
        {
            Step = Detail.Summary.Step + 1, Loss = loss, LearningRate = 0.002 * (1 - (double)Detail.Summary.Step / Math.Max(1, Detail.Summary.TotalSteps)),
            GradNorm = 0.5 + loss / 4, Tokens = 1400, Seconds = seconds, StallSeconds = seconds / 20, DiskBytes = 3_400_000, PeakRssBytes = 412_000_000,
        };
        Write(new RunEvent { Steps = new StepProgress { Points = { point } } }, () =>
        {
            _steps.Add(point);
            Detail.Summary.Step = point.Step;
            Detail.Summary.LastLoss = loss;
            Detail.Summary.TokensPerSecond = point.Tokens / seconds;
            Detail.Summary.SecondsLeft = (Detail.Summary.TotalSteps - point.Step) * seconds;
        });
    }

    public void Save(Checkpoint checkpoint) => Write(new RunEvent { Checkpoint = checkpoint }, () => Detail.Checkpoints.Add(checkpoint));

    public void Evaluate(EvaluationPoint point) => Write(new RunEvent { Evaluation = point }, () => Detail.Evaluations.Add(point));

    public void Say(string text, LogLine.Types.Level level = LogLine.Types.Level.Information) =>
        Write(new RunEvent { Log = new LogLine { Text = text, Level = level } }, () => { });

    public void Enter(RunState state) =>
        Write(new RunEvent { State = new StateChange { From = Detail.Summary.State, To = state } }, () => Detail.Summary.State = state);

    /// <summary>Down-sampled evenly, the last step included.</summary>
    public IEnumerable<Series> Curves(long from = 0, long to = long.MaxValue, int most = MostPoints)
    {
        lock (_gate)
        {
            long last = Math.Min(to, _steps.Count);
            long stride = Math.Max(1, (long)Math.Ceiling((last - Math.Max(from, 1) + 1) / (double)(most > 0 ? most : MostPoints)));
            Series loss = new() { Name = "loss" }, rate = new() { Name = "learning_rate" }, norm = new() { Name = "grad_norm" };
            Series speed = new() { Name = "tokens_per_second" }, seconds = new() { Name = "step_seconds" }, stall = new() { Name = "stall_seconds" };
            Series disk = new() { Name = "disk_bytes" }, memory = new() { Name = "peak_rss_bytes" };
            (_seconds, _tokens) = (0, 0);
            foreach (StepPoint point in _steps)
            {
                _seconds += point.Seconds;
                _tokens += point.Tokens;
                if (point.Step < from || point.Step > to || (last - point.Step) % stride != 0) continue;
                Add(loss, point.Step, point.Loss);
                Add(rate, point.Step, point.LearningRate);
                Add(norm, point.Step, point.GradNorm);
                Add(speed, point.Step, point.Tokens / point.Seconds);
                Add(seconds, point.Step, point.Seconds);
                Add(stall, point.Step, point.StallSeconds);
                Add(disk, point.Step, point.DiskBytes);
                Add(memory, point.Step, point.PeakRssBytes);
            }
            Series evaluation = new() { Name = "evaluation_loss" }, valid = new() { Name = "valid_format_share" }, right = new() { Name = "right_answer_share" };
            foreach (EvaluationPoint point in Detail.Evaluations)
            {
                Add(evaluation, point.Step, point.Loss);
                Add(valid, point.Step, (double)point.ValidFormat / point.Questions);
                Add(right, point.Step, (double)point.RightAnswer / point.Questions);
            }
            return [loss, rate, norm, speed, seconds, stall, disk, memory, evaluation, valid, right];
        }
    }

    /// <summary>What a daemon sends to a watcher: a snapshot unless it says where to go on, then each event.</summary>
    public async IAsyncEnumerable<WatchRunResponse> WatchAsync(WatchRunRequest request, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken left)
    {
        Channel<bool> waker = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest });
        ulong seen;
        RunSnapshot? snapshot = null;
        lock (_gate)
        {
            _wakers.Add(waker);
            seen = request.HasAfterSequence ? request.AfterSequence : Sequence;
            if (!request.HasAfterSequence)
            {
                snapshot = new RunSnapshot { Run = Detail.Clone(), Sequence = seen, Series = { Curves() } };
                snapshot.Log.AddRange(_events.Where(e => e.Log is not null).Select(e => new NumberedLogLine { Sequence = e.Sequence.Last, Time = e.Time, Line = e.Log }));
            }
        }
        try
        {
            if (snapshot is not null) yield return new WatchRunResponse { Snapshot = snapshot };
            while (true)
            {
                RunEvents news = new();
                bool ended;
                lock (_gate)
                {
                    news.Events.AddRange(_events.Skip((int)seen));
                    news.Run = Detail.Summary.Clone();
                    seen = Sequence;
                    ended = Detail.Summary.State is RunState.Completed or RunState.Failed or RunState.Stopped;
                }
                if (news.Events.Count > 0) yield return new WatchRunResponse { Events = news };
                if (ended) yield break;
                await waker.Reader.ReadAsync(left);
            }
        }
        finally
        {
            lock (_gate) _wakers.Remove(waker);
        }
    }

    private void Add(Series series, long step, double value)
    {
        series.Steps.Add(step);
        series.Values.Add(value);
        series.Seconds.Add(_seconds);
        series.Tokens.Add(_tokens);
    }

    private void Write(RunEvent one, Action apply)
    {
        lock (_gate)
        {
            apply();
            ulong number = Sequence + 1;
            one.Sequence = new SequenceRange { First = number, Last = number };
            one.Time = Timestamp.FromDateTimeOffset(DateTimeOffset.UtcNow);
            _events.Add(one);
            Detail.Summary.Sequence = number;
            foreach (Channel<bool> waker in _wakers) waker.Writer.TryWrite(true);
        }
    }
}
