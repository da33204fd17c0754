"""scripts/check-layers finds a planted violation of every rule that it holds, and nothing in the project itself."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROJECT = pathlib.Path(__file__).resolve().parents[2]


def check(root):
    run = subprocess.run([sys.executable, PROJECT / "scripts/check-layers", root], capture_output=True, text=True, check=False)
    return run.returncode, run.stdout + run.stderr


class Planted(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="voxflow-layers-")
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.write("pipeline/core/units.hpp", "#include <string>\n#include <fmt/core.h>\n")
        self.write("pipeline/record/json.hpp", '#include <nlohmann/json.hpp>\n#include "pipeline/core/units.hpp"\n')
        self.write("pipeline/record/task.hpp", '#include "pipeline/core/units.hpp"\n')
        self.write("pipeline/record/task.cpp", '#include "pipeline/record/json.hpp"\n#include <sys/stat.h>\n')
        self.write("catalog/store/client.hpp", '#include "pipeline/record/task.hpp"\n')
        self.write("catalog/store/sqlite.hpp", "#include <sqlite3.h>\n")

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def assert_found(self, path, text, message):
        self.write(path, text)
        code, out = check(self.root)
        self.assertEqual((code, out.splitlines()), (1, [message]))

    def test_a_sound_tree_passes(self):
        self.assertEqual(check(self.root), (0, ""))

    def test_a_room_includes_one_above_it(self):
        self.assert_found("pipeline/core/text.cpp", '#include <string>\n#include "pipeline/record/task.hpp"\n',
                          "pipeline/core/text.cpp:2: error: 'pipeline/record/task.hpp' is in pipeline/record, which "
                          "pipeline/core may not include")

    def test_a_library_is_used_outside_its_room(self):
        self.assert_found("pipeline/run/runner.cpp", "#include <sqlite3.h>\n",
                          "pipeline/run/runner.cpp:1: error: 'sqlite3.h' is not for pipeline/run")

    def test_a_private_header_is_used_by_another_room(self):
        self.assert_found("pipeline/run/runner.cpp", '#include "pipeline/record/json.hpp"\n',
                          "pipeline/run/runner.cpp:1: error: 'pipeline/record/json.hpp' is private to pipeline/record: "
                          "it shows nlohmann")

    def test_a_public_header_hands_a_private_one_on(self):
        self.write("pipeline/record/plan.hpp", '#include "pipeline/record/json.hpp"\n')
        self.assert_found("pipeline/run/runner.cpp", '#include "pipeline/record/plan.hpp"\n',
                          "pipeline/run/runner.cpp:1: error: 'pipeline/record/plan.hpp' is private to pipeline/record: "
                          "it shows nlohmann")

    def test_the_engine_reaches_past_the_catalogs_client(self):
        self.write("pipeline/engine/plan.cpp", '#include "catalog/store/client.hpp"\n')
        self.assert_found("pipeline/engine/ingest.cpp", '#include "catalog/store/sqlite.hpp"\n',
                          "pipeline/engine/ingest.cpp:1: error: 'catalog/store/sqlite.hpp' is in catalog/store, which "
                          "pipeline/engine may not include")

    def test_a_kernel_knows_files_or_mpi(self):
        self.write("kernels/denoise/median/median.cpp", "#include <itkImage.h>\n")
        self.assert_found("kernels/denoise/median/mpi.cpp", "#include <mpi.h>\n",
                          "kernels/denoise/median/mpi.cpp:1: error: 'mpi.h' is not for kernels/denoise/median")

    def test_an_include_path_is_not_the_path_on_disk(self):
        self.assert_found("pipeline/record/task.hpp", '#include "units.hpp"\n',
                          "pipeline/record/task.hpp:1: error: 'units.hpp' is not a path from the project's root")

    def test_a_library_is_unknown(self):
        self.assert_found("pipeline/core/text.cpp", "#include <boost/any.hpp>\n",
                          "pipeline/core/text.cpp:1: error: 'boost/any.hpp' is of no library that scripts/check-layers knows")

    def test_a_folder_is_no_room(self):
        self.assert_found("pipeline/misc/helpers.hpp", "#include <string>\n",
                          "pipeline/misc/helpers.hpp: error: 'pipeline/misc' is not a room; give it a row in "
                          "scripts/check-layers")

    def test_a_library_is_linked_publicly(self):
        self.assert_found("pipeline/record/CMakeLists.txt",
                          "voxflow_add_room(record SOURCES task.cpp\n  PUBLIC voxflow::core nlohmann_json::nlohmann_json)\n",
                          "pipeline/record/CMakeLists.txt: error: nlohmann_json::nlohmann_json has to be PRIVATE: its headers "
                          "stay inside pipeline/record")

    def test_a_room_links_one_above_it(self):
        self.assert_found("pipeline/core/CMakeLists.txt",
                          "voxflow_add_room(core SHARED SOURCES units.cpp PUBLIC fmt::fmt PRIVATE voxflow::catalog_store)\n",
                          "pipeline/core/CMakeLists.txt: error: pipeline/core may not link voxflow::catalog_store")


class Project(unittest.TestCase):
    def test_the_project_keeps_its_layers(self):
        self.assertEqual(check(PROJECT), (0, ""))


if __name__ == "__main__":
    unittest.main()
