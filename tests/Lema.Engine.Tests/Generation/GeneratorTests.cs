using Lema.Engine.Datasets.Replies;
using Lema.Engine.Datasets.Tokenizers;
using Lema.Engine.Errors;
using Lema.Engine.Generation;
using Lema.Engine.Models;
using Lema.Engine.Training;
using Lema.Testing;
using TorchSharp;

namespace Lema.Engine.Tests.Generation;

public sealed class GeneratorTests : IDisposable
{
    private static readonly Tokenizer Tokenizer = TinyModel.Tokenizer;
    private static readonly HashSet<int> End = [0];

    private readonly LanguageModel _model = TinyModel.Open(TinyModel.Folder);

    public void Dispose() => _model.Dispose();

    [Fact]
    public void Generate_Greedy_AnswersWhatTheModelKnows()
    {
        string reply = Assert.Single(new Generator(_model).Generate([Ask("What is the capital of France?")], () => TextDecoder.Of(Tokenizer))).Text;
        Assert.Contains("Paris", reply, StringComparison.Ordinal);
    }

    [Fact]
    public void Generate_ManyAtOnce_GivesTheRepliesMadeOneByOne()
    {
        GenerationRequest[] requests = [.. Questions(40).Select(Ask)];
        GeneratedReply[] alone = [.. requests.Select(request => new Generator(_model).Generate([request], Decoder)[0])];
        // Groups of few tokens, and admission as others finish.
        GeneratorOptions[] bounds = [new(), new() { TokensAtOnce = 100 }, new() { OpenReplies = 7 }, new() { StateBytes = 4_000_000, TokensAtOnce = 64 }, new() { ChunkTokens = 16 }];
        foreach (GeneratorOptions options in bounds)
        {
            IReadOnlyList<GeneratedReply> together = new Generator(_model, options).Generate(requests, Decoder);
            Assert.Equal(alone.Select(reply => (reply.Text, reply.Reason)), together.Select(reply => (reply.Text, reply.Reason)));
        }
    }

    [Fact]
    public void Generate_WithKeysAndValuesThatLeaveMemory_GivesTheSameReply()
    {
        using TemporaryFolder folder = new();
        GenerationRequest request = Ask("What is the capital of France?") with { MaxNewTokens = 60 };
        IReadOnlyList<int> resident = new Generator(_model).Generate([request])[0].Tokens;
        GeneratorOptions options = new() { StateBytes = 1, ChunkTokens = 8, StateFolder = folder.Path };
        int files = 0;
        GeneratedReply reply = new Generator(_model, options).Generate([request], onDelta: _ => files = Math.Max(files, Directory.GetFiles(folder.Path).Length))[0];
        Assert.Equal(resident, reply.Tokens);
        Assert.Equal(1, files);
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    /// <summary>An adapter is cast once a reply; the run that asks for samples trains on between two.</summary>
    [Fact]
    public void Generate_AfterTheAdapterWasTrained_RepliesWithWhatItHasLearnt()
    {
        RunSettings settings = new() { Steps = 1, Lora = new() { R = 4 } };
        LanguageModel Adapted() => TinyModel.Open(TinyModel.Folder, Precision.Bf16, (model, index) => TrainedWeights.Create(model, index, settings));
        static void Learn(LanguageModel model)
        {
            using var noGrad = torch.no_grad();
            foreach (TrainedParameter parameter in model.Adapters.Parameters) parameter.Value.add_(0.02);
        }
        GenerationRequest request = Ask("What is the capital of France?");
        using LanguageModel trained = Adapted(), fresh = Adapted();

        IReadOnlyList<int> before = new Generator(trained).Generate([request])[0].Tokens;
        Learn(trained);
        IReadOnlyList<int> after = new Generator(trained).Generate([request])[0].Tokens;

        Learn(fresh);
        Assert.NotEqual(before, after);
        Assert.Equal(new Generator(fresh).Generate([request])[0].Tokens, after);
    }

    [Fact]
    public void Generate_Sampled_DependsOnSeedAlone()
    {
        GenerationRequest[] requests = [.. Questions(6).Select((question, i) => Ask(question) with { Sampling = new SamplingOptions { Temperature = 1.5, TopP = 0.95, Seed = (ulong)i } })];
        IReadOnlyList<GeneratedReply> together = new Generator(_model).Generate(requests, Decoder);
        Assert.Equal(together.Select(reply => reply.Text), requests.Select(request => new Generator(_model).Generate([request], Decoder)[0].Text));
    }

    [Fact]
    public void Generate_Deltas_JoinToTheReplyAndEndOnce()
    {
        List<ReplyDelta> deltas = [];
        IReadOnlyList<GeneratedReply> replies = new Generator(_model).Generate([.. Questions(5).Select(Ask)], Decoder, deltas.Add);
        for (int i = 0; i < replies.Count; i++)
        {
            ReplyDelta[] own = [.. deltas.Where(delta => delta.Request == i)];
            Assert.Equal(replies[i].Text, string.Concat(own.Select(delta => delta.Text)));
            Assert.Equal(replies[i].Reason, Assert.Single(own, delta => delta.Finished is not null).Finished);
            Assert.Equal(replies[i].Tokens.Count, own[^1].Tokens);
        }
    }

    [Fact]
    public void Generate_WithStopString_EndsBeforeIt()
    {
        GenerationRequest request = Ask("What is the capital of France?");
        string whole = new Generator(_model).Generate([request], Decoder)[0].Text;
        string stop = whole[3..6];
        GeneratedReply reply = new Generator(_model).Generate([request with { Stops = [stop] }], Decoder)[0];
        Assert.Equal((whole[..whole.IndexOf(stop, StringComparison.Ordinal)], FinishReason.StopString), (reply.Text, reply.Reason));
    }

    [Fact]
    public void Generate_ToTheEndOfTheContext_StopsThere()
    {
        int[] prompt = [.. Enumerable.Repeat(5, _model.Architecture.MaxPositions - 3)];
        GeneratedReply reply = new Generator(_model).Generate([new GenerationRequest { Prompt = prompt, MaxNewTokens = 50 }])[0];
        Assert.Equal((3, FinishReason.Length), (reply.Tokens.Count, reply.Reason));
    }

    [Fact]
    public void Generate_OnePassAToken_StreamsTheWeightsOncePerPassWhateverTheNumberOfReplies()
    {
        // What the last run prefetched for a pass that never came differs.
        long one = Loads(replies: 1), many = Loads(replies: 20), units = _model.Stream.Units.Count;
        Assert.InRange(many, one - units, one + units);
    }

    [Fact]
    public void Generate_Cancelled_Stops()
    {
        using CancellationTokenSource stop = new();
        int deltas = 0;
        Assert.Throws<OperationCanceledException>(() => new Generator(_model).Generate([Ask("Who?")], Decoder, _ =>
        {
            deltas++;
            stop.Cancel();
        }, stop.Token));
        Assert.Equal(1, deltas);
    }

    [Fact]
    public void Generate_OfUnusablePrompt_Throws()
    {
        foreach (int[] prompt in (int[][])[[], [-1], [_model.Architecture.VocabularySize], new int[_model.Architecture.MaxPositions]])
            Assert.Throws<InvalidInputException>(() => new Generator(_model).Generate([new GenerationRequest { Prompt = prompt }]));
    }

    private long Loads(int replies)
    {
        long before = _model.Stream.Statistics.Loads;
        new Generator(_model).Generate([.. Enumerable.Repeat(new GenerationRequest { Prompt = [5, 6, 7], MaxNewTokens = 8 }, replies)]);
        return _model.Stream.Statistics.Loads - before;
    }

    private static TextDecoder Decoder() => TextDecoder.Of(Tokenizer);

    private static IEnumerable<string> Questions(int count) =>
        ReplyRowGenerator.Generate(FactBase.BuiltIn, new ReplyDatasetOptions(TrainRows: 1, HeldOutRows: count)).HeldOut.Select(row => row.Question);

    private static GenerationRequest Ask(string question) =>
        new() { Prompt = Tokenizer.Encode(ReplyFormat.Lema.Prompt(question), addSpecialTokens: true), MaxNewTokens = 48, EndTokens = End };
}
