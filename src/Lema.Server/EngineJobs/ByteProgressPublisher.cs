using Lema.Engine.Weights;
using Lema.Protocol.V1;
using Lema.Server.Workers;

namespace Lema.Server.EngineJobs;

/// <summary>Hands on how many bytes are done, a few times a second at the most.</summary>
internal sealed class ByteProgressPublisher(IJobContext context, string phase) : IProgress<ByteProgress>
{
    private const long Interval = 250;

    private long _next;

    public void Report(ByteProgress value)
    {
        long now = Environment.TickCount64;
        if (now < _next && value.DoneBytes < value.TotalBytes) return;
        _next = now + Interval;
        context.Publish(new WorkerEvent { Progress = new Progress { Phase = phase, Done = value.DoneBytes, Total = value.TotalBytes, Unit = "bytes" } });
    }
}
