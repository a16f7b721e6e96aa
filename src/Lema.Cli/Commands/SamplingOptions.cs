using System.CommandLine;
using Lema.Protocol.V1;

namespace Lema.Cli.Commands;

/// <summary>How the next token is chosen. Greedy unless told otherwise.</summary>
internal sealed class SamplingOptions
{
    private readonly Option<double?> _temperature = new("--temperature", "-t") { Description = "0: greedy. [0]" };
    private readonly Option<int?> _topK = new("--top-k") { Description = "Only the K likeliest tokens." };
    private readonly Option<double?> _topP = new("--top-p") { Description = "Only the likeliest tokens that together reach this probability." };
    private readonly Option<double?> _minP = new("--min-p") { Description = "Only tokens with at least this share of the likeliest token's probability." };
    private readonly Option<double?> _penalty = new("--repetition-penalty") { Description = "Above 1: what was said already becomes less likely." };
    private readonly Option<long?> _seed = new("--seed") { Description = "One seed, one reply. [random]" };
    private readonly Option<int?> _maxTokens = new("--max-tokens") { Description = "Tokens a reply may have. [256]" };
    private readonly Option<string[]> _stop = new("--stop") { Description = "The reply ends before this text; may be given often.", HelpName = "TEXT", DefaultValueFactory = _ => [] };

    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { _temperature, _topK, _topP, _minP, _penalty, _seed, _maxTokens, _stop }) command.Add(option);
    }

    public SamplingSettings Read(Invocation call)
    {
        SamplingSettings settings = new();
        if (call.Get(_temperature) is { } temperature) settings.Temperature = temperature;
        if (call.Get(_topK) is { } topK) settings.TopK = topK;
        if (call.Get(_topP) is { } topP) settings.TopP = topP;
        if (call.Get(_minP) is { } minP) settings.MinP = minP;
        if (call.Get(_penalty) is { } penalty) settings.RepetitionPenalty = penalty;
        if (call.Get(_seed) is { } seed) settings.Seed = seed;
        if (call.Get(_maxTokens) is { } maxTokens) settings.MaxTokens = maxTokens;
        settings.Stop.AddRange(call.Get(_stop) ?? []);
        return settings;
    }
}
