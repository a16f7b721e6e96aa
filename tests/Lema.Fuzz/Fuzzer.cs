using System.Diagnostics;

namespace Lema.Fuzz;

/// <summary>An input on which a parser did what it must not do.</summary>
public sealed record Finding(string Target, int Seed, byte[] Input, string Problem);

/// <param name="Inputs">Parsed.</param>
/// <param name="Corpus">Inputs that were worth keeping, those to begin with among them.</param>
/// <param name="Outcomes">Different ways in which inputs were taken or refused.</param>
public sealed record FuzzReport(long Inputs, int Corpus, int Outcomes, Finding? Finding);

/// <summary>
/// Feeds a parser with changed inputs. One that is refused in a way not seen before is kept and changed further. A parser fails by an untyped exception, by taking long,
/// or by allocating far more than the input's size.
/// </summary>
public static class Fuzzer
{
    private const double LongestMilliseconds = 100;
    private const long FixedAllocationBytes = 1 << 20, AllocatedBytesAByte = 64;
    private const int MostKept = 20_000;

    public static FuzzReport Run(IFuzzTarget target, int seed, TimeSpan time)
    {
        Random random = new(seed);
        Mutator mutator = new(random, target.Dictionary);
        List<byte[]> corpus = [.. target.Corpus()];
        HashSet<string> outcomes = [];
        long inputs = 0;
        foreach (byte[] input in corpus)
        {
            inputs++;
            if (Try(target, input, outcomes) is { } problem) return new FuzzReport(inputs, corpus.Count, outcomes.Count, new Finding(target.Name, seed, input, problem));
        }
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < time)
        {
            byte[] input = mutator.Mutate(corpus[random.Next(corpus.Count)], corpus[random.Next(corpus.Count)]);
            if (random.Next(4) != 0) input = target.Mend(input);
            int known = outcomes.Count;
            inputs++;
            if (Try(target, input, outcomes) is { } problem) return new FuzzReport(inputs, corpus.Count, outcomes.Count, new Finding(target.Name, seed, input, problem));
            if (outcomes.Count > known && corpus.Count < MostKept) corpus.Add(input);
        }
        return new FuzzReport(inputs, corpus.Count, outcomes.Count, null);
    }

    /// <returns>What is wrong; null when nothing is.</returns>
    private static string? Try(IFuzzTarget target, byte[] input, HashSet<string> outcomes)
    {
        string? slow = null;
        // Processor time: neighbours on the machine make nothing slow. A compilation or collection within the parser can, once; not three times.
        for (int attempt = 0; attempt < 3; attempt++)
        {
            long allocated = GC.GetAllocatedBytesForCurrentThread();
            TimeSpan start = ThreadTime.Now;
            string outcome;
            try
            {
                outcome = target.Parse(input);
            }
            catch (Exception error)
            {
                return $"untyped {error.GetType().Name}: {error.Message}";
            }
            double milliseconds = (ThreadTime.Now - start).TotalMilliseconds;
            allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
            if (allocated > FixedAllocationBytes + AllocatedBytesAByte * input.Length) return $"allocated {allocated} bytes for {input.Length}";
            outcomes.Add(outcome);
            if (milliseconds <= LongestMilliseconds) return null;
            slow = $"took {milliseconds:F0} ms";
        }
        return slow;
    }
}
