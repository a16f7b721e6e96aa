using Lema.Engine.Errors;

namespace Lema.Server.Datasets;

/// <summary>What is wrong with a dataset, told by the name that its user knows and not by a path of this host.</summary>
internal static class DatasetErrors
{
    /// <summary>Does work on files and names them after their datasets where it fails.</summary>
    /// <param name="files">Path and name of each; an empty path or name is none.</param>
    public static T Named<T>(IEnumerable<(string File, string Name)> files, Func<T> work)
    {
        try
        {
            return work();
        }
        catch (InvalidInputException problem)
        {
            throw Renamed(problem, files);
        }
        catch (InvalidInputsException several)
        {
            throw new InvalidInputsException([.. several.Problems.Select(problem => Renamed(problem, files))]);
        }
    }

    private static InvalidInputException Renamed(InvalidInputException problem, IEnumerable<(string File, string Name)> files)
    {
        string source = problem.InputSource;
        foreach ((string file, string name) in files)
        {
            if (file.Length > 0 && name.Length > 0) source = source.Replace(file, $"dataset '{name}'", StringComparison.Ordinal);
        }
        return new InvalidInputException(source, problem.Place, problem.Problem, problem);
    }
}
