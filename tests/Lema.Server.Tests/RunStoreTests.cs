using Google.Protobuf.WellKnownTypes;
using Lema.Protocol.V1;
using Lema.Server.Runs;
using Lema.Server.Storage;
using Lema.Testing;

namespace Lema.Server.Tests;

public sealed class RunStoreTests
{
    [Fact]
    public async Task SaveReplies_OfAStepTwice_KeepsTheLastOfEachQuestion()
    {
        using TemporaryFolder folder = new();
        using RunDatabase database = RunDatabase.Open(folder.File("lema.db"));
        RunStore store = new(database);
        RunDetail run = new() { Summary = new RunSummary { Id = "run", Name = "tuned", State = RunState.Running, Model = "lema-tiny", Dataset = "rows", Created = Timestamp.FromDateTime(DateTime.UtcNow) } };
        await database.WriteAsync((connection, transaction) => RunStore.Insert(connection, transaction, run, null));

        await store.SaveRepliesAsync("run", 20, [new EvaluatedReply { Index = 1, Text = "b" }, new EvaluatedReply { Index = 0, Text = "a" }]);
        await store.SaveRepliesAsync("run", 10, [new EvaluatedReply { Index = 0, Text = "c" }]);
        // As after an interruption, when the step is evaluated again.
        await store.SaveRepliesAsync("run", 20, [new EvaluatedReply { Index = 1, Text = "d" }]);

        Assert.Equal([10, 20], store.StepsWithReplies("run"));
        Assert.Equal([(0, "a"), (1, "d")], store.ReadReplies("run", 20).Select(reply => (reply.Index, reply.Text)));
        Assert.Empty(store.ReadReplies("run", 30));
        Assert.Equal([KeyValuePair.Create(RunState.Running, 1L)], store.CountByState());
    }
}
