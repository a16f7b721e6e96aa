using Lema.Engine.Errors;

namespace Lema.Engine.Generation;

/// <summary>How the next token is chosen, with the names and meanings of transformers' generation config.</summary>
public sealed record SamplingOptions
{
    public static SamplingOptions Greedy { get; } = new() { Temperature = 0 };

    /// <summary>Logits are divided by it; 0 takes the most likely token each time.</summary>
    public double Temperature { get; init; } = 1;

    /// <summary>Only the k most likely tokens stay, with all that tie with the last of them; 0: no limit.</summary>
    public int TopK { get; init; }

    /// <summary>Only the smallest set of most likely tokens that reaches this probability stays; 1: no limit.</summary>
    public double TopP { get; init; } = 1;

    /// <summary>Only tokens with at least this fraction of the most likely token's probability stay; 0: no limit.</summary>
    public double MinP { get; init; }

    /// <summary>Logits of tokens that occurred, prompt included, are divided by it when positive and multiplied when negative; 1: none.</summary>
    public double RepetitionPenalty { get; init; } = 1;

    /// <summary>The same seed, prompt and options give the same reply.</summary>
    public ulong Seed { get; init; }

    public bool IsGreedy => Temperature == 0;

    /// <exception cref="InvalidInputsException">Every value that is out of its range.</exception>
    public void Validate()
    {
        List<InvalidInputException> problems = [];
        Require(Temperature >= 0 && double.IsFinite(Temperature), "temperature", $"must be at least 0, is {Temperature}");
        Require(TopK >= 0, "topK", $"must be at least 0, is {TopK}");
        Require(TopP is > 0 and <= 1, "topP", $"must be above 0 and at most 1, is {TopP}");
        Require(MinP is >= 0 and <= 1, "minP", $"must be from 0 to 1, is {MinP}");
        Require(RepetitionPenalty > 0 && double.IsFinite(RepetitionPenalty), "repetitionPenalty", $"must be above 0, is {RepetitionPenalty}");
        if (problems.Count > 0) throw new InvalidInputsException(problems);

        void Require(bool holds, string key, string problem)
        {
            if (!holds) problems.Add(new InvalidInputException("sampling options", key, problem));
        }
    }
}
