using Lema.Protocol.V1;
using Lema.Web.Clients;

namespace Lema.Web.Conversations;

/// <summary>A model or a run's checkpoints that can be talked to.</summary>
/// <param name="Run">Null for a base model.</param>
public sealed record ChatTarget(DaemonConnection Connection, string? Model, RunSummary? Run)
{
    public string Key => $"{Connection.Name}/{(Run is null ? "model" : "run")}/{Run?.Id ?? Model}";

    public string Group => $"{(Run is null ? "Models" : "Runs")} of {Connection.Name}";

    public string Label => Run?.Name ?? Model ?? "";

    /// <param name="checkpoint">"last", "best" or a step; for runs.</param>
    public IReadOnlyList<ChatLane> Lanes(string checkpoint, bool besideBase)
    {
        if (Run is null) return [new ChatLane(Label, Connection, new ModelReference { Model = Model })];
        ChatLane tuned = new($"{Run.Name}, {(checkpoint is "last" or "best" ? $"{checkpoint} checkpoint" : "step " + checkpoint)}", Connection, new ModelReference { Run = Run.Id, Checkpoint = checkpoint });
        return besideBase ? [new ChatLane($"Base: {Run.Model}", Connection, new ModelReference { Run = Run.Id, BaseOnly = true }), tuned] : [tuned];
    }
}
