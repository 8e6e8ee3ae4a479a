# countersign_embed(<target> <header> <namespace> <name> <file> [<name> <file> …])
# Compiles the files into the target: `#include "<header>"` declares, in the namespace, a function
# std::string_view <name>() of static storage for each.
set(COUNTERSIGN_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/embed_files.cmake)

function(countersign_embed target header namespace)
  set(names)
  set(files)
  while(ARGN)
    list(POP_FRONT ARGN name file)
    list(APPEND names ${name})
    list(APPEND files ${file})
  endwhile()
  set(generated ${CMAKE_CURRENT_BINARY_DIR}/generated)
  string(REGEX REPLACE "\\.hpp$" ".cpp" source ${header})
  add_custom_command(
    OUTPUT ${generated}/${header} ${generated}/${source}
    COMMAND ${CMAKE_COMMAND} "-DNAMES=${names}" "-DFILES=${files}" -DNAMESPACE=${namespace}
      -DHEADER=${header} -DOUTPUT=${generated} -P ${COUNTERSIGN_EMBED_SCRIPT}
    DEPENDS ${files} ${COUNTERSIGN_EMBED_SCRIPT}
    COMMENT "Embedding ${header}"
    VERBATIM)
  target_sources(${target} PRIVATE ${generated}/${header} ${generated}/${source})
  target_include_directories(${target} PUBLIC ${generated})
endfunction()
