using System.Diagnostics;

namespace Lema.Engine.Datasets.Templates.Evaluation;

/// <summary>What one rendering may use: steps, characters and list items made on the way, calls within calls, and time.</summary>
internal sealed class Budget
{
    private const int MostSteps = 20_000_000;
    private const long MostCharacters = 64_000_000;
    private const int CharactersOfItem = 16;
    private const int DeepestCall = 200;
    private static readonly TimeSpan LongestTime = TimeSpan.FromSeconds(5);

    private readonly long _started = Stopwatch.GetTimestamp();
    private int _steps;
    private long _characters;
    private int _depth;

    public void Step()
    {
        if (++_steps > MostSteps) throw TemplateError.Limit("the template takes too many steps.");
        if ((_steps & 0xFFF) == 0 && Stopwatch.GetElapsedTime(_started) > LongestTime) throw TemplateError.Limit($"the template takes over {LongestTime.TotalSeconds} seconds.");
    }

    /// <summary>Called before characters are made.</summary>
    public void Charge(long characters)
    {
        if (characters < 0 || (_characters += characters) > MostCharacters) throw TemplateError.Limit("the template makes too much text.");
    }

    /// <summary>Called before a list of that many items is made.</summary>
    public void ChargeItems(long items) => Charge(items is < 0 or > MostCharacters ? -1 : items * CharactersOfItem);

    public void Enter()
    {
        Parsing.TokenReader.CheckDepth();
        if (++_depth > DeepestCall) throw TemplateError.Limit("macros or loops call each other too deeply.");
    }

    public void Leave() => _depth--;
}
