using System.Runtime.InteropServices;
using Lema.Engine.Errors;
using Lema.Engine.Numerics;

namespace Lema.Engine.Datasets.Replies;

/// <summary>
/// Makes the fine-tuning rows from a fact base. One generator serves everything random, in this order: the split relation by relation, the training
/// rows, the held-out rows. The same seed gives the same rows everywhere.
/// </summary>
public static class ReplyRowGenerator
{
    /// <exception cref="InvalidInputException">A share outside (0, 1), a negative count, or more rows than the facts can make.</exception>
    public static ReplyRows Generate(FactBase facts, ReplyDatasetOptions options)
    {
        if (!(options.HeldOutShare is > 0 and < 1)) throw new InvalidInputException("reply dataset", "heldOutShare", $"{options.HeldOutShare} is not between 0 and 1");
        if (options.TrainRows < 0) throw new InvalidInputException("reply dataset", "trainRows", "must not be negative");
        if (options.HeldOutRows < 0) throw new InvalidInputException("reply dataset", "heldOutRows", "must not be negative");

        Xoshiro256 random = new(unchecked((ulong)options.Seed));
        (List<Fact> train, List<Fact> heldOut) = Split(facts, options.HeldOutShare, random);
        HashSet<(string, string)> made = [];
        return new ReplyRows(
            Draw(facts, train, options.TrainRows, "trainRows", made, random),
            Draw(facts, heldOut, options.HeldOutRows, "heldOutRows", made, random));
    }

    /// <summary>Split by fact within each relation, in order of first appearance, so that both sides have every relation in like shares.</summary>
    private static (List<Fact> Train, List<Fact> HeldOut) Split(FactBase facts, double share, Xoshiro256 random)
    {
        List<Fact> train = [], heldOut = [];
        foreach (IGrouping<string, Fact> relation in facts.Facts.GroupBy(fact => fact.Relation))
        {
            Fact[] shuffled = [.. relation];
            random.Shuffle<Fact>(shuffled);
            int held = (int)Math.Floor(share * shuffled.Length + 0.5);
            heldOut.AddRange(shuffled.AsSpan(0, held));
            train.AddRange(shuffled.AsSpan(held));
        }
        return (train, heldOut);
    }

    /// <summary>
    /// Draws in passes: each pass shuffles the facts that still have (question, explanation) pairs and takes the next pair of each. So with N rows over
    /// F facts each fact comes N / F times, rounded down or up.
    /// </summary>
    private static List<ReplyRow> Draw(FactBase facts, List<Fact> pool, int wanted, string setting, HashSet<(string, string)> made, Xoshiro256 random)
    {
        List<(Fact Fact, Queue<(string Question, string Explanation)> Pairs)> open = [.. pool.Select(fact => (fact, ShuffledPairs(facts.Relations[fact.Relation], random)))];
        List<ReplyRow> rows = [];
        while (rows.Count < wanted)
        {
            open.RemoveAll(item => item.Pairs.Count == 0);
            if (open.Count == 0)
                throw new InvalidInputException("reply dataset", setting, $"{wanted} rows are wanted, {pool.Count} facts make {rows.Count}; ask for fewer rows");
            random.Shuffle(CollectionsMarshal.AsSpan(open));
            foreach ((Fact fact, Queue<(string Question, string Explanation)> pairs) in open)
            {
                if (rows.Count == wanted) break;
                ReplyRow row = Fill(facts.Relations[fact.Relation], fact, pairs.Dequeue());
                if (made.Add((row.Question, row.Explanation))) rows.Add(row);
            }
        }
        return rows;
    }

    private static Queue<(string, string)> ShuffledPairs(Relation relation, Xoshiro256 random)
    {
        (string, string)[] pairs = [.. relation.Questions.SelectMany(question => relation.Explanations, (question, explanation) => (question, explanation))];
        random.Shuffle<(string, string)>(pairs);
        return new Queue<(string, string)>(pairs);
    }

    private static ReplyRow Fill(Relation relation, Fact fact, (string Question, string Explanation) pair) => new(
        FactTemplate.Fill(pair.Question, fact),
        FactTemplate.Fill(relation.Answer, fact),
        FactTemplate.Fill(pair.Explanation, fact),
        relation.Confidence,
        fact.Object,
        fact.Relation,
        fact.Subject);
}
