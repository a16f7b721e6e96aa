using Lema.Engine.Errors;

namespace Lema.Server.Runs;

/// <summary>What is wrong with a request, collected so that all of it is told at once. Lives as long as the call.</summary>
internal sealed class RequestProblems
{
    private const string Source = "request";

    private readonly List<LemaException> _found = [];
    private readonly List<InvalidInputException> _told = [];

    public bool IsEmpty => _found.Count == 0;

    public void Add(InvalidInputException problem)
    {
        _found.Add(problem);
        _told.Add(problem);
    }

    public void AddRange(IEnumerable<InvalidInputException> problems)
    {
        foreach (InvalidInputException problem in problems) Add(problem);
    }

    /// <summary>Makes a value; null where that fails, and the failure is a problem of the field.</summary>
    public T? Try<T>(string field, Func<T> make) where T : class
    {
        try
        {
            return make();
        }
        catch (Exception failure) when (failure is InvalidInputException or NotFoundException)
        {
            _found.Add((LemaException)failure);
            _told.Add(failure as InvalidInputException ?? new InvalidInputException(Source, field, failure.Message, failure));
            return null;
        }
    }

    /// <summary>Whether a field, or one below it, has a problem.</summary>
    public bool IsWrong(string field) => _told.Any(problem => problem.Place == field || problem.Place.StartsWith(field + ".", StringComparison.Ordinal));

    /// <exception cref="NotFoundException">The only problem is that something does not exist.</exception>
    /// <exception cref="InvalidInputsException">Everything that is wrong.</exception>
    public void ThrowIfAny()
    {
        if (_found is [NotFoundException missing]) throw missing;
        if (_told.Count > 0) throw new InvalidInputsException(_told);
    }
}
