using Lema.Engine.Models;
using Lema.Engine.Models.Autodiff;
using Lema.Engine.Models.Sequences;
using static TorchSharp.torch;

namespace Lema.Engine.Generation;

/// <summary>
/// One pass of the weights over all open replies, layer by layer: new ones bring their whole prompt, the others their last token. Call within no_grad and a
/// dispose scope.
/// </summary>
internal sealed class DecodePass(LanguageModel model, int tokensAtOnce)
{
    private readonly OutputHead _head = new(model);
    private readonly int[] _visits =
    [
        .. Enumerable.Range(0, model.Architecture.BlockCount).Select(model.Units.Block), model.Units.FinalNorm,
        .. model.Adapters.Head is null ? model.Units.HeadTiles : [],
    ];

    /// <summary>Float32 logits [replies, vocabulary] of the token that follows each reply's pending ones.</summary>
    public Tensor Run(IReadOnlyList<OpenReply> replies)
    {
        // This pass and the one that probably follows: the readers work on while tokens are chosen.
        model.Stream.Schedule(_visits.Concat(_visits));
        using var scope = NewDisposeScope();
        Group[] groups = [.. Groups(replies)];
        try
        {
            for (int block = 0; block < model.Architecture.BlockCount; block++) Advance(block, groups);
            return Logits(groups).MoveToOuterDisposeScope();
        }
        finally
        {
            foreach (Group group in groups) group.Batch.Dispose();
        }
    }

    private void Advance(int block, Group[] groups) => model.Visit(block, weights =>
    {
        foreach (Group group in groups)
        {
            using var scope = NewDisposeScope();
            Tensor input = group.Hidden;
            LayerPass pass = new(block, weights, group.Batch, model.Shared, null, group.States);
            group.Hidden = model.Architecture.Block(pass, block, new Variable(input)).Value.MoveToOuterDisposeScope();
            input.Dispose();
        }
    });

    /// <summary>Only the last token of each reply passes the norm and the head.</summary>
    private Tensor Logits(Group[] groups)
    {
        Tensor last = cat([.. groups.Select(group => group.Hidden.index_select(0, group.LastTokens))], 0);
        model.VisitFinalNorm(weights =>
        {
            LayerPass pass = new(model.Architecture.BlockCount, weights, groups[0].Batch, model.Shared);
            last = model.Architecture.FinalNorm(pass, new Variable(last)).Value;
        });
        return _head.AllLogits(last);
    }

    private IEnumerable<Group> Groups(IReadOnlyList<OpenReply> replies)
    {
        for (int start = 0; start < replies.Count;)
        {
            int end = start + 1, tokens = replies[start].Pending.Count;
            while (end < replies.Count && tokens + replies[end].Pending.Count <= tokensAtOnce) tokens += replies[end++].Pending.Count;
            yield return new Group(model, [.. replies.Skip(start).Take(end - start)]);
            start = end;
        }
    }

    /// <summary>Neighbouring replies whose pending tokens are computed together.</summary>
    private sealed class Group
    {
        public Group(LanguageModel model, IReadOnlyList<OpenReply> replies)
        {
            Batch = new([.. replies.SelectMany(reply => reply.Pending).Select(token => (long)token)], replies.Select(reply => reply.Pending.Count), replies.Select(reply => reply.Past), model.TorchDevice);
            States = [.. replies.Select(reply => reply.State)];
            Hidden = model.Embed(Batch, null, States).Value;
        }

        public TokenBatch Batch { get; }

        public IReadOnlyList<SequenceState> States { get; }

        /// <summary>[tokens, hidden]</summary>
        public Tensor Hidden { get; set; }

        public Tensor LastTokens => tensor(Batch.Segments.Select(segment => (long)(segment.Start + segment.Length - 1)).ToArray(), device: Hidden.device);
    }
}
