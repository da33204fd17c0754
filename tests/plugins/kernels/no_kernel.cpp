// A shared object that is no plugin.
extern "C" int voxflow_something_else() {
  return 1;
}
